package coded

import (
	"encoding/binary"
	"sort"
	"sync/atomic"
	"unsafe"

	"github.com/seed54244801/bespoke/model"
)

// A Sum is the sum that a checkpoint has of a tensor.
type Sum struct {
	model.TensorSum
	met atomic.Bool // the tensor had this sum once
}

// NewSum returns a Sum, or nil for nil: a tensor without a sum.
func NewSum(sum *model.TensorSum) *Sum {
	if sum == nil {
		return nil
	}
	return &Sum{TensorSum: *sum}
}

// Due reports whether a tensor has to be compared with its sum: always, or until it had that sum once. A nil Sum is
// never due.
func (s *Sum) Due(always bool) bool { return s != nil && (always || !s.met.Load()) }

// Is reports whether have is the sum. If so, it remembers that.
func (s *Sum) Is(have model.TensorSum) bool {
	if have != s.TensorSum {
		return false
	}
	s.met.Store(true)
	return true
}

// BlockElements is the number of weights in a block of a sum.
const BlockElements = model.SumBlock / 2

// A Check computes the sums of tensors while any number of goroutines decode them. In the end it compares the sums.
// The goroutine that decodes the last weight of a sum block hashes the block. Most of the block is then still in a
// cache.
type Check struct {
	unit    *Unit
	dst     []uint16 // for the elements from base on
	base    int
	tensors []tensorSum // in the order of the unit
	blocks  []block     // of all tensors, in the order of their elements
	differ  func(tensor string, have, want model.TensorSum) error
}

// A tensorSum is a sum that is being computed, and the number of its tensor in the unit.
type tensorSum struct {
	*model.TensorSummer
	number int
}

// A block is the elements [from, to) of the unit. They are a block of the sum, with the given number.
type block struct {
	from, to int
	sum      *model.TensorSummer
	number   int
	missing  atomic.Int64 // the number of elements that are not decoded yet
}

// NewCheck prepares the check of the tensors of a span, whose elements go to dst. Tensors that had the right sum
// before are checked only if always is set. The function differ makes the error of a tensor with another sum.
// NewCheck returns nil if there is nothing to check.
func NewCheck(s Span, dst []uint16, always bool, differ func(tensor string, have, want model.TensorSum) error) *Check {
	r := &Check{unit: s.Unit, dst: dst, base: s.From, differ: differ}
	blocks := 0
	for i := s.First; i < s.Last; i++ {
		t := &s.Unit.Tensors[i]
		if t.Sum.Due(always) {
			sum := model.NewTensorSummer(2 * uint64(t.To-t.From))
			r.tensors = append(r.tensors, tensorSum{sum, i})
			blocks += sum.Blocks()
		}
	}
	if len(r.tensors) == 0 {
		return nil
	}
	r.blocks = make([]block, 0, blocks)
	for _, t := range r.tensors {
		from, to := s.Unit.Tensors[t.number].From, s.Unit.Tensors[t.number].To
		for i := range t.Blocks() {
			r.blocks = append(r.blocks, block{from: from, to: min(to, from+BlockElements), sum: t.TensorSummer, number: i})
			b := &r.blocks[len(r.blocks)-1]
			b.missing.Store(int64(b.to - b.from))
			from = b.to
		}
	}
	return r
}

// Decoded reports to the check that elements [from, to) of the unit are in dst. It must be called once for each
// element. A nil Check does nothing.
func (c *Check) Decoded(from, to int) {
	if c == nil {
		return
	}
	first := sort.Search(len(c.blocks), func(i int) bool { return c.blocks[i].to > from })
	for i := first; i < len(c.blocks) && c.blocks[i].from < to; i++ {
		b := &c.blocks[i]
		n := min(to, b.to) - max(from, b.from)
		if b.missing.Add(int64(-n)) == 0 {
			b.sum.Add(b.number, littleEndian(c.dst[b.from-c.base:b.to-c.base], HostIsLittleEndian))
		}
	}
}

// Err compares the sums with those of the checkpoint, when all elements are decoded. It returns the error of the
// first tensor whose sums differ. The error of a nil Check is nil.
func (c *Check) Err() error {
	if c == nil {
		return nil
	}
	for _, t := range c.tensors {
		of := &c.unit.Tensors[t.number]
		if have := t.Sum(); !of.Sum.Is(have) {
			return c.unit.Wrap(c.differ(of.Name, have, of.Sum.TensorSum))
		}
	}
	return nil
}

// HostIsLittleEndian says that the bytes of a word are in memory in the same order as in a file.
var HostIsLittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// littleEndian returns the bytes of words, in the order of a file. There must be one word at least. If same is set,
// memory has that order, and littleEndian returns the memory of the words.
func littleEndian(words []uint16, same bool) []byte {
	if same {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words))
	}
	b := make([]byte, 0, 2*len(words))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	return b
}
