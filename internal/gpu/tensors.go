//go:build cuda

package gpu

import "github.com/seed54244801/bespoke/codebook"

// A Layout says where the tensors of a unit lie in one piece of device memory.
type Layout struct {
	Stream  *codebook.Stream
	Name    string // of the unit, for errors
	Number  int    // of the unit, for the error word
	Largest int    // elements of the largest chunk
	Bytes   int64  // of all tensors

	offsets [5]int64
}

// tensorAlign keeps every tensor aligned as an allocation is. A byte or two behind the end of each
// are within, which kernels other than ours may read.
const tensorAlign = 256

// Room is what a tensor of n bytes takes.
func Room(n int) int64 { return (int64(n)/tensorAlign + 1) * tensorAlign }

// NewLayout lays out a validated stream.
func NewLayout(name string, number int, s *codebook.Stream) *Layout {
	l := &Layout{Stream: s, Name: name, Number: number}
	for i, t := range l.tensors() {
		l.offsets[i] = l.Bytes
		l.Bytes += Room(len(t))
	}
	for c := range s.Chunks() {
		from, _ := s.ChunkStart(c)
		to, _ := s.ChunkStart(c + 1)
		l.Largest = max(l.Largest, to-from)
	}
	return l
}

// tensors lists the tensors in the order of the kernel's arguments.
func (l *Layout) tensors() [5][]byte {
	s := l.Stream
	return [5][]byte{s.Luts, s.Encoded, s.SignMantissa, s.OutputPositions, s.Gaps}
}

// arguments are those of a launch over the tensors at an address.
func (l *Layout) arguments(at, output uint64) []uint64 {
	var a []uint64
	for _, offset := range l.offsets {
		a = append(a, at+uint64(offset))
	}
	s := l.Stream
	return append(a, output, uint64(len(s.Luts)/256), uint64(len(s.Encoded)), uint64(s.Elements()))
}
