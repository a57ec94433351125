//go:build cuda

package gpu

import (
	"context"
	"fmt"
	"sync/atomic"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/fault"
)

// A Unit is a unit as the kernels of its codec take it: a [Layout] with DF11, a [RansLayout] with rANS.
type Unit interface {
	// Memory says where what the kernels read lies in one piece of device memory.
	Memory() *Tensors
	// Entries are the names of the kernels that decode the unit.
	Entries() []string
	// contents are the tensors, for memory at an address.
	contents(at uint64) [][]byte
	// decode queues kernels on a slot that decode the unit, which lies at an address, into the buffer of the slot.
	decode(ctx context.Context, s *Slot, kernels Kernels, at uint64) error
	// multiply queues a product with the unit, which lies at an address. What is wrong with the unit goes to the error
	// word at another one, unless that is 0.
	multiply(d *Device, kernels Kernels, at uint64, p *Product, word uint64, stream cu.Stream) error
	// productFault reads the error word of a product: nil for 0.
	productFault(word uint64) error
}

// Tensors are the tensors of a unit that kernels read, and where they lie in one piece of device memory.
type Tensors struct {
	Name  string // of the unit, for errors
	Bytes int64  // of all tensors

	tensors [][]byte
	offsets []int64 // of the tensors
}

// Memory returns the tensors themselves.
func (t *Tensors) Memory() *Tensors { return t }

// tensorAlign keeps every tensor aligned as an allocation is. A byte or more behind the end of each
// is within, which kernels other than ours may read.
const tensorAlign = 256

func room(n int) int64 { return (int64(n)/tensorAlign + 1) * tensorAlign }

// add makes room for a tensor of n bytes behind the others, and returns its number.
func (t *Tensors) add(tensor []byte, n int) int {
	t.tensors = append(t.tensors, tensor)
	t.offsets = append(t.offsets, t.Bytes)
	t.Bytes += room(n)
	return len(t.tensors) - 1
}

// A Layout is a unit coded with DF11.
type Layout struct {
	Tensors // in the order of the kernel's arguments; last the table of the code book, if it takes one
	Stream  *codebook.Stream
	Number  int // of the unit, for the error word

	// Multiplies is the kernel that multiplies with the unit, nil if none does. It reads the same tensors as the one that
	// decodes it.
	Multiplies *launch.Launch

	decodes *launch.Launch
	largest atomic.Int64 // of the elements of a chunk, 0 before anybody has asked
}

// NewLayout lays out what the kernel that decodes a stream reads of it, and the table of its code book, for kernels that
// take one. Only to decode, the stream has to be valid.
func NewLayout(name string, number int, s *codebook.Stream, decodes *launch.Launch, table []byte) *Layout {
	l := &Layout{Tensors: Tensors{Name: name}, Stream: s, Number: number, decodes: decodes}
	tensors := [][]byte{s.Luts, s.Encoded, s.SignMantissa}
	if decodes.Tiles {
		tensors = append(tensors, s.Tiles)
	} else {
		tensors = append(tensors, s.OutputPositions, s.Gaps)
	}
	if decodes.Table {
		tensors = append(tensors, table)
	}
	for _, t := range tensors {
		l.add(t, len(t))
	}
	return l
}

// Entries names the kernel that decodes the unit.
func (l *Layout) Entries() []string { return []string{l.decodes.Entry} }

func (l *Layout) contents(uint64) [][]byte { return l.tensors }

func (l *Layout) decode(_ context.Context, s *Slot, kernels Kernels, at uint64) error {
	k := kernels[l.decodes.Entry]
	var word uint64
	if k.Launch.Reports {
		if err := s.clearWord(l.Name, func(word uint64) error { return faultOf(k.Launch, word) }); err != nil {
			return err
		}
		word = uint64(s.word.Address)
	}
	bytes, elements := len(l.Stream.Encoded), l.Stream.Elements()
	blocks := k.Launch.Blocks(bytes, elements)
	if blocks == 0 {
		return nil
	}
	largest, err := l.largestChunk()
	if err != nil {
		return err
	}
	shared := k.Launch.Shared(largest)
	var numbers []uint64
	if k.Launch.Sized {
		numbers = []uint64{uint64(shared)}
	}
	arguments := l.arguments(k.Launch, at, []uint64{uint64(s.Weights.Address)}, numbers, word)
	doing := fmt.Sprintf("decode unit %q, %d bytes into %d weights", l.Name, bytes, elements)
	return s.Device.launch(k, doing, blocks, shared, s.stream, arguments)
}

// multiply sets y to zeros, and the kernel adds to it.
func (l *Layout) multiply(d *Device, kernels Kernels, at uint64, p *Product, word uint64, stream cu.Stream) error {
	if err := p.clear(d, l.Name, stream); err != nil || p.Rows == 0 || p.Columns == 0 {
		return err
	}
	k := kernels[l.Multiplies.Entry]
	operands := []uint64{uint64(p.X), uint64(p.Y)}
	numbers := []uint64{uint64(p.First), uint64(p.Rows), uint64(p.Columns), uint64(p.Batch)}
	arguments := l.arguments(k.Launch, at, operands, numbers, word)
	return d.launch(k, p.doing(l.Name), k.Launch.ProductBlocks(p.First, p.Rows, p.Columns), 0, stream, arguments)
}

func (l *Layout) productFault(word uint64) error { return faultOf(l.Multiplies, word) }

// faultOf reads the error word of a kernel.
func faultOf(l *launch.Launch, word uint64) error {
	if fault := l.ParseError(word); fault != nil {
		return fmt.Errorf("kernel %s: %w", l.Entry, fault)
	}
	return nil
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
