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
)

// coded is a data set in DF11.
type coded struct {
	data  *dataSet
	books []*codebook.Book
	used  []codebook.Histogram // by book
	units []*model.Unit
	parts [][]part // by piece
	all   bool     // every piece is the whole data set
}

// A part is what one call decodes: a whole unit, or a tensor of one.
type part struct {
	unit, tensor string // tensor is "" for the whole unit
	span
}

// code codes a data set with the code books of a scheme.
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
	c := &coded{data: d, books: assigned.Books, used: make([]codebook.Histogram, len(assigned.Books)), parts: make([][]part, len(d.pieces))}
	for i := range histograms {
		c.used[assigned.Unit[i]].Add(&histograms[i])
	}
	var e encode.Encoder
	for i, u := range d.units {
		s, err := e.Encode(assigned.Books[assigned.Unit[i]], [][]byte{bytesOf(d.weights[u.from:u.to])})
		if err != nil {
			return nil, err
		}
		unit := &model.Unit{Name: fmt.Sprint("unit", i), Named: true, Stream: *cloneStream(s)}
		if err := unit.Stream.Validate(); err != nil {
			return nil, err
		}
		c.units = append(c.units, unit)
		c.divide(unit, u)
	}
	return c, nil
}

// divide adds the unit u, which holds the given weights, to the parts of the pieces. A piece that is only a part
// of the unit becomes a tensor that begins where a chunk does, so that nothing is decoded twice.
func (c *coded) divide(unit *model.Unit, u span) {
	whole := true
	for p, piece := range c.data.pieces {
		from, to := max(piece.from, u.from), min(piece.to, u.to)
		if from >= to {
			continue
		}
		if from == u.from && to == u.to {
			c.parts[p] = append(c.parts[p], part{unit: unit.Name, span: u})
			continue
		}
		whole = false
		from, to = chunkStart(&unit.Stream, from-u.from), chunkStart(&unit.Stream, to-u.from)
		name := fmt.Sprintf("%s[%d]", unit.Name, p)
		unit.Tensors = append(unit.Tensors, model.UnitTensor{Name: name, Offset: from, Elements: to - from})
		c.parts[p] = append(c.parts[p], part{unit.Name, name, span{u.from + from, u.from + to}})
	}
	if whole {
		unit.Tensors = []model.UnitTensor{{Name: unit.Name + ".weight", Elements: u.len()}}
	}
}

// plan returns the plan from which decoders for the data are generated.
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
	}
	return 8 * float64(size) / float64(len(c.data.weights))
}

// longestCode returns the length in bits of the longest code in any book.
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
