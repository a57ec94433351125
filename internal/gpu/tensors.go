//go:build cuda

package gpu

import (
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A Layout says where the tensors of a unit lie in one piece of device memory.
type Layout struct {
	Stream  *codebook.Stream
	Name    string // of the unit, for errors
	Number  int    // of the unit, for the error word
	Largest int    // elements of the largest chunk
	Bytes   int64  // of all tensors

	table   []byte  // of the code book, for kernels that are handed one; may be nil
	offsets []int64 // of the tensors
}

// tensorAlign keeps every tensor aligned as an allocation is. A byte or two behind the end of each
// are within, which kernels other than ours may read.
const tensorAlign = 256

// Room is what a tensor of n bytes takes.
func Room(n int) int64 { return (int64(n)/tensorAlign + 1) * tensorAlign }

// NewLayout lays out a validated stream and, for a kernel that is handed one, the table of its code book.
func NewLayout(name string, number int, s *codebook.Stream, table []byte) *Layout {
	l := &Layout{Stream: s, Name: name, Number: number, table: table}
	for _, t := range l.tensors() {
		l.offsets = append(l.offsets, l.Bytes)
		l.Bytes += Room(len(t))
	}
	for c := range s.Chunks() {
		from, _ := s.ChunkStart(c)
		to, _ := s.ChunkStart(c + 1)
		l.Largest = max(l.Largest, to-from)
	}
	return l
}

// tensors lists the tensors in the order of the kernel's arguments, and the table.
func (l *Layout) tensors() [][]byte {
	s := l.Stream
	return [][]byte{s.Luts, s.Encoded, s.SignMantissa, s.OutputPositions, s.Gaps, l.table}
}

// arguments are those of a launch over the tensors at an address; word is that of the error word.
func (l *Layout) arguments(launch *kernel.CUDALaunch, at, output, word uint64) []uint64 {
	last := len(l.offsets) - 1
	var a []uint64
	for _, offset := range l.offsets[:last] {
		a = append(a, at+uint64(offset))
	}
	s := l.Stream
	a = append(a, output, uint64(len(s.Luts)/256), uint64(len(s.Encoded)), uint64(s.Elements()))
	if launch.Reports {
		a = append(a, uint64(l.Number), word)
	}
	if launch.Table {
		a = append(a, at+uint64(l.offsets[last]))
	}
	return a
}
