package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sort"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// coded is a data set in a codec.
type coded struct {
	data  *dataSet
	books []*codebook.Book     // nil with rANS
	used  []codebook.Histogram // by book
	units []*model.Unit
	parts [][]part // by piece
	all   bool     // every piece is the whole data set
}

// A part is what one call decodes: a whole unit, or a part of the only tensor of one.
type part struct {
	unit, tensor string // tensor is "" for the whole unit
	first        int    // of the tensor
	span
}

// newCoded returns a data set of which no unit is coded yet.
func newCoded(d *dataSet) *coded { return &coded{data: d, parts: make([][]part, len(d.pieces))} }

// newUnit returns unit i of a data set without its streams.
func (d *dataSet) newUnit(i int, codec model.Codec) *model.Unit {
	u := &model.Unit{Name: fmt.Sprint("unit", i), Named: true, Codec: codec}
	for k, t := range d.tensors[i] {
		u.Tensors = append(u.Tensors, model.UnitTensor{
			Name: fmt.Sprintf("%s.%d", u.Name, k), Offset: t.from - d.units[i].from, Elements: t.len(), Shape: t.shape,
		})
	}
	return u
}

// code codes a data set in DF11 with the code books of a scheme.
func code(d *dataSet, schemeName string) (*coded, error) {
	scheme, err := codebook.SchemeByName(schemeName)
	if err != nil {
		return nil, err
	}
	histograms := d.histograms()
	assigned, err := scheme.Assign(histograms)
	if err != nil {
		return nil, err
	}
	c := newCoded(d)
	c.books, c.used = assigned.Books, make([]codebook.Histogram, len(assigned.Books))
	for i := range histograms {
		c.used[assigned.Unit[i]].Add(&histograms[i])
	}
	var e encode.Encoder
	for i, u := range d.units {
		s, err := e.Encode(assigned.Books[assigned.Unit[i]], [][]byte{bytesOf(d.weights[u.from:u.to])})
		if err != nil {
			return nil, err
		}
		unit := d.newUnit(i, model.DF11)
		unit.Stream = *cloneStream(s)
		if err := unit.Stream.Validate(); err != nil {
			return nil, err
		}
		c.add(unit, func(element int) int { return chunkStart(&unit.Stream, element) })
	}
	return c, nil
}

// add adds the next unit, also to the parts of the pieces. A piece that is only a part of the unit begins where a decoder can
// start, so that nothing is decoded twice: start returns the first such element that is not before another.
func (c *coded) add(unit *model.Unit, start func(element int) int) {
	u := c.data.units[len(c.units)]
	c.units = append(c.units, unit)
	for p, piece := range c.data.pieces {
		from, to := max(piece.from, u.from), min(piece.to, u.to)
		switch {
		case from >= to:
		case from == u.from && to == u.to:
			c.parts[p] = append(c.parts[p], part{unit: unit.Name, span: u})
		default:
			from, to = start(from-u.from), start(to-u.from)
			c.parts[p] = append(c.parts[p], part{unit.Name, unit.Tensors[0].Name, from, span{from, to}.plus(u.from)})
		}
	}
}

// plan returns the plan from which decoders for the code books are generated.
func (c *coded) plan() (*emit.Plan, error) {
	in := emit.Input{Package: "emitted", Model: c.data.name, Units: len(c.units), Books: c.books, Counts: c.used}
	for i := range c.used {
		in.Histogram.Add(&c.used[i])
	}
	return emit.NewPlan(in)
}

// whole returns the same data, which must be one unit, with the whole unit as every piece.
func (c *coded) whole() *coded {
	all := *c
	piece := []part{{unit: c.units[0].Name, span: c.data.units[0]}}
	all.parts = slices.Repeat([][]part{piece}, len(c.parts))
	all.all = true
	return &all
}

// yardstick names the contender that copies the words of a piece.
func (c *coded) yardstick() string {
	if c.all {
		return memcpyName + wholeSuffix
	}
	return memcpyName
}

// chunkStart returns the first element of the first chunk that begins at an element or after it.
func chunkStart(s *codebook.Stream, element int) int {
	c := sort.Search(s.Chunks(), func(c int) bool {
		first, _ := s.ChunkStart(c)
		return first >= element
	})
	first, _ := s.ChunkStart(c)
	return first
}

// bitsPerWeight returns the size of all units together, in bits a weight.
func (c *coded) bitsPerWeight() float64 {
	size := 0
	for _, u := range c.units {
		s := &u.Stream
		size += len(s.Luts) + len(s.Encoded) + len(s.SignMantissa) + len(s.OutputPositions) + len(s.Gaps)
		for _, t := range u.Tensors {
			if t.Coded != nil {
				size += (&rans.Tensor{Stream: *t.Coded, Shape: t.Shape}).Size()
			}
		}
	}
	return 8 * float64(size) / float64(len(c.data.weights))
}

// longestCode returns the length in bits of the longest code in any book, 0 if there is none.
func (c *coded) longestCode() int {
	longest := 0
	for _, b := range c.books {
		longest = max(longest, b.MaxLength())
	}
	return longest
}

// checkpoint returns the coded units as an open checkpoint, in memory of its own.
func (c *coded) checkpoint() *model.Container {
	file := &model.Container{Path: c.data.name}
	for _, u := range c.units {
		own := *u
		own.Stream = *cloneStream(&u.Stream)
		own.Tensors = slices.Clone(u.Tensors)
		for i := range own.Tensors {
			if s := own.Tensors[i].Coded; s != nil {
				own.Tensors[i].Coded = cloneRANS(s)
			}
		}
		file.Units = append(file.Units, &own)
	}
	return file
}

func cloneStream(s *codebook.Stream) *codebook.Stream {
	return &codebook.Stream{
		Luts:            bytes.Clone(s.Luts),
		Encoded:         bytes.Clone(s.Encoded),
		SignMantissa:    bytes.Clone(s.SignMantissa),
		OutputPositions: bytes.Clone(s.OutputPositions),
		Gaps:            bytes.Clone(s.Gaps),
	}
}

// touched returns words whose pages are mapped.
func touched(n int) []uint16 {
	return slices.Repeat([]uint16{math.MaxUint16}, n)
}

// bytesOf returns the memory of words.
func bytesOf(words []uint16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words))
}
