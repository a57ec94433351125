package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// A span is the weights [from, to).
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// A data set is weights, their division into units, and the pieces that a round works on. A piece is several
// units, or a part of one.
type dataSet struct {
	name    string
	weights []uint16
	units   []span
	pieces  []span
	copies  int // of a model, one after the other; 0 if the weights are not a model's
}

// trainedLike returns one unit of n weights that look like trained ones, the same at every call. They are rows of
// normal distributions whose standard deviations differ from row to row, so that an exponent carries 2.7 bits.
func trainedLike(n, pieceWeights int) *dataSet {
	const row = 1024
	r := rand.New(rand.NewPCG(11, 1))
	weights := make([]uint16, n)
	deviation := 0.0
	for i := range weights {
		if i%row == 0 {
			deviation = 0.02 * math.Exp2(rowSpread*r.NormFloat64())
		}
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*deviation)) >> 16)
	}
	return &dataSet{
		name:    fmt.Sprintf("%d Mi normal weights", n>>20),
		weights: weights,
		units:   []span{{0, n}},
		pieces:  equalSpans(n, pieceWeights),
	}
}

// rowSpread is the standard deviation of the binary logarithm of a row's standard deviation.
const rowSpread = 0.6

// equalSpans cuts n weights into spans of the given length.
func equalSpans(n, length int) []span {
	var spans []span
	for from := 0; from < n; from += length {
		spans = append(spans, span{from, min(n, from+length)})
	}
	return spans
}

// inUnitsOf returns the same weights in units of n weights.
func (d *dataSet) inUnitsOf(n int) *dataSet {
	cut := *d
	cut.units = equalSpans(len(d.weights), n)
	return &cut
}

// ofModel reads the coded weights of a bf16 model. A model with fewer than least weights is repeated, unit by
// unit, until it has that many. Successive units make a piece of at least pieceWeights.
func ofModel(path string, pieceWeights, least int) (*dataSet, error) {
	c, err := model.Open(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	partition, err := model.NewPartition(c, model.PartitionOptions{})
	if err != nil {
		return nil, err
	}
	d := &dataSet{name: filepath.Base(path)}
	for _, u := range partition.Units {
		from := len(d.weights)
		for _, t := range u.Tensors {
			b := t.Bytes()
			for i := 0; i+2 <= len(b); i += 2 {
				d.weights = append(d.weights, binary.LittleEndian.Uint16(b[i:]))
			}
		}
		d.units = append(d.units, span{from, len(d.weights)})
	}
	if len(d.weights) == 0 {
		return nil, fmt.Errorf("%s: no weights to code", path)
	}
	d.repeat(least)
	d.pieces = piecesOf(d.units, pieceWeights)
	return d, nil
}

// repeat adds copies of all units until there are at least n weights.
func (d *dataSet) repeat(n int) {
	once, units := len(d.weights), d.units
	d.copies = max(1, (n+once-1)/once)
	d.weights = slices.Repeat(d.weights, d.copies)
	for at := once; at < len(d.weights); at += once {
		for _, u := range units {
			d.units = append(d.units, span{at + u.from, at + u.to})
		}
	}
}

// piecesOf joins units to pieces of at least n weights. Units that are left at the end belong to the last piece.
func piecesOf(units []span, n int) []span {
	end := units[len(units)-1].to
	pieces := []span{{}}
	for _, u := range units {
		last := &pieces[len(pieces)-1]
		last.to = u.to
		if last.len() >= n && end-u.to >= n {
			pieces = append(pieces, span{u.to, u.to})
		}
	}
	return pieces
}

// unitSizes returns the numbers of weights in the smallest and in the largest unit.
func (d *dataSet) unitSizes() [2]int {
	byLength := func(a, b span) int { return cmp.Compare(a.len(), b.len()) }
	return [2]int{slices.MinFunc(d.units, byLength).len(), slices.MaxFunc(d.units, byLength).len()}
}

// histograms counts the exponents of every unit.
func (d *dataSet) histograms() []codebook.Histogram {
	h := make([]codebook.Histogram, len(d.units))
	for i, u := range d.units {
		h[i].Count(d.weights[u.from:u.to])
	}
	return h
}

// entropy returns the information in an exponent, in bits.
func (d *dataSet) entropy() float64 {
	var sum codebook.Histogram
	sum.Count(d.weights)
	return sum.Entropy()
}
