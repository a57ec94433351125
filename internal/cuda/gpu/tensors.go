//go:build cuda

package gpu

import (
	"sync/atomic"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/fault"
)

// A Layout says where the tensors of a unit that a kernel reads lie in one piece of device memory.
type Layout struct {
	Stream *codebook.Stream
	Name   string // of the unit, for errors
	Number int    // of the unit, for the error word
	Bytes  int64  // of all tensors

	tensors [][]byte     // in the order of the kernel's arguments; last the table of the code book, if it takes one
	offsets []int64      // of the tensors
	largest atomic.Int64 // of the elements of a chunk, 0 before anybody has asked
}

// tensorAlign keeps every tensor aligned as an allocation is. A byte or more behind the end of each
// is within, which kernels other than ours may read.
const tensorAlign = 256

func room(n int) int64 { return (int64(n)/tensorAlign + 1) * tensorAlign }

// NewLayout lays out what a kernel, and others that read the same tensors, read of a stream, and the table of
// its code book, for kernels that take one. Only to decode, the stream has to be valid.
func NewLayout(name string, number int, s *codebook.Stream, launch *launch.Launch, table []byte) *Layout {
	l := &Layout{Stream: s, Name: name, Number: number, tensors: [][]byte{s.Luts, s.Encoded, s.SignMantissa}}
	if launch.Tiles {
		l.tensors = append(l.tensors, s.Tiles)
	} else {
		l.tensors = append(l.tensors, s.OutputPositions, s.Gaps)
	}
	if launch.Table {
		l.tensors = append(l.tensors, table)
	}
	for _, t := range l.tensors {
		l.offsets = append(l.offsets, l.Bytes)
		l.Bytes += room(len(t))
	}
	return l
}

// largestChunk returns the number of elements of the largest chunk. It looks at the index of the stream, which may be
// impossible to read, the first time.
func (l *Layout) largestChunk() (int, error) {
	largest := int(l.largest.Load())
	if largest > 0 {
		return largest, nil
	}
	err := fault.Guard(func() error {
		for c := range l.Stream.Chunks() {
			from, _ := l.Stream.ChunkStart(c)
			to, _ := l.Stream.ChunkStart(c + 1)
			largest = max(largest, to-from)
		}
		return nil
	})
	if err == nil {
		l.largest.Store(int64(largest))
	}
	return largest, err
}

// arguments are those of a launch over the tensors at an address: the tensors, what the kernel works on, their
// sizes, and numbers of its own; then, for kernels that report, the number of the unit and the address of the
// error word; and the table.
func (l *Layout) arguments(launch *launch.Launch, at uint64, operands, numbers []uint64, word uint64) []uint64 {
	var a []uint64
	for _, offset := range l.offsets {
		a = append(a, at+uint64(offset))
	}
	var table uint64
	if launch.Table {
		table, a = a[len(a)-1], a[:len(a)-1]
	}
	s := l.Stream
	a = append(a, operands...)
	a = append(a, uint64(len(s.Luts)/256), uint64(len(s.Encoded)), uint64(s.Elements()))
	a = append(a, numbers...)
	if launch.Reports {
		a = append(a, uint64(l.Number), word)
	}
	if launch.Table {
		a = append(a, table)
	}
	return a
}
