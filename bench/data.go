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

// plus returns the span that begins n weights further on.
func (s span) plus(n int) span { return span{s.from + n, s.to + n} }

// A tensor is a span with a shape.
type tensor struct {
	span
	shape []uint64
}

// A data set is weights, their division into units, and the pieces that a round works on. A piece is several
// units, or a part of one.
type dataSet struct {
	name    string
	weights []uint16
	units   []span
	tensors [][]tensor // by unit, one after the other
	pieces  []span
	copies  int // of a model, one after the other; 0 if the weights are not a model's
}

// trainedLike returns one unit of n weights that look like trained ones, the same at every call. They are rows of
// normal distributions whose standard deviations differ from row to row, so that an exponent carries 2.7 bits.
func trainedLike(n, pieceWeights int) *dataSet {
	r := rand.New(rand.NewPCG(11, 1))
	weights := make([]uint16, n)
	deviation := 0.0
	for i := range weights {
		if i%rowWeights == 0 {
			deviation = 0.02 * math.Exp2(rowSpread*r.NormFloat64())
		}
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*deviation)) >> 16)
	}
	d := &dataSet{name: fmt.Sprintf("%d Mi normal weights", n>>20), weights: weights, pieces: equalSpans(n, pieceWeights)}
	return d.inUnitsOf(n)
}

const (
	// rowWeights is the number of weights in a row, rowSpread the standard deviation of the binary logarithm of a row's
	// standard deviation.
	rowWeights = 1024
	rowSpread  = 0.6
)

// equalSpans cuts n weights into spans of the given length.
func equalSpans(n, length int) []span {
	var spans []span
	for from := 0; from < n; from += length {
		spans = append(spans, span{from, min(n, from+length)})
	}
	return spans
}

// inUnitsOf returns the same weights in units of n weights. Each is one tensor, with rows of rowWeights if they are whole.
func (d *dataSet) inUnitsOf(n int) *dataSet {
	cut := *d
	cut.units = equalSpans(len(d.weights), n)
	cut.tensors = nil
	for _, u := range cut.units {
		cut.tensors = append(cut.tensors, []tensor{inRows(u)})
	}
	return &cut
}

// inRows returns a span as a tensor with rows of rowWeights, or as one row if they are not whole.
func inRows(s span) tensor {
	if s.len()%rowWeights != 0 {
		return tensor{s, []uint64{uint64(s.len())}}
	}
	return tensor{s, []uint64{uint64(s.len() / rowWeights), rowWeights}}
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
		var tensors []tensor
		for _, t := range u.Tensors {
			first := len(d.weights)
			b := t.Bytes()
			for i := 0; i+2 <= len(b); i += 2 {
				d.weights = append(d.weights, binary.LittleEndian.Uint16(b[i:]))
			}
			tensors = append(tensors, tensor{span{first, len(d.weights)}, slices.Clone(t.Shape)})
		}
		d.units = append(d.units, span{from, len(d.weights)})
		d.tensors = append(d.tensors, tensors)
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
	once, units, tensors := len(d.weights), d.units, d.tensors
	times := max(1, (n+once-1)/once)
	d.copies = max(1, d.copies) * times
	d.weights = slices.Repeat(d.weights, times)
	for at := once; at < len(d.weights); at += once {
		for i, u := range units {
			d.units = append(d.units, u.plus(at))
			var copied []tensor
			for _, t := range tensors[i] {
				copied = append(copied, tensor{t.plus(at), t.shape})
			}
			d.tensors = append(d.tensors, copied)
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

// tensorsOf returns the tensors of a piece. Of a unit that the piece has only a part of, that part is one tensor.
func (d *dataSet) tensorsOf(piece span) []tensor {
	var list []tensor
	for i, u := range d.units {
		from, to := max(piece.from, u.from), min(piece.to, u.to)
		switch {
		case from >= to:
		case from == u.from && to == u.to:
			list = append(list, d.tensors[i]...)
		default:
			list = append(list, inRows(span{from, to}))
		}
	}
	return list
}

// matrixWeights is the least number of weights of a matrix that products are measured with.
const matrixWeights = 64 << 10

// matrices returns the matrices of the data, each a unit, in pieces of at least pieceWeights. Other tensors are left out. Those
// of a model are repeated until there are at least as many weights as least says.
func (d *dataSet) matrices(pieceWeights, least int) *dataSet {
	m := &dataSet{name: d.name, copies: d.copies}
	for _, t := range slices.Concat(d.tensors...) {
		if len(t.shape) != 2 || t.len() < matrixWeights {
			continue
		}
		s := span{len(m.weights), len(m.weights) + t.len()}
		m.weights = append(m.weights, d.weights[t.from:t.to]...)
		m.units = append(m.units, s)
		m.tensors = append(m.tensors, []tensor{{s, t.shape}})
	}
	if len(m.units) == 0 {
		return m
	}
	if m.copies > 0 {
		m.repeat(least)
	}
	m.pieces = piecesOf(m.units, pieceWeights)
	return m
}

// unitsByPiece returns the numbers of the units of each piece. Units are not divided among pieces.
func (d *dataSet) unitsByPiece() [][]int {
	list := make([][]int, len(d.pieces))
	p := 0
	for i, u := range d.units {
		for u.from >= d.pieces[p].to {
			p++
		}
		list[p] = append(list[p], i)
	}
	return list
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
