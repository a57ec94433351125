package runtime

import (
	"encoding/binary"
	"fmt"
	"sort"
	"sync/atomic"
	"unsafe"

	"github.com/seed54244801/bespoke/model"
)

// A SumError reports a tensor whose weights, decoded without an error, are not those that the checkpoint has the sum
// of: the codes were changed into others that can be decoded, or what is not coded was. It comes wrapped in an error
// that names file and unit.
type SumError struct {
	Tensor string
	// Have is the sum of the decoded weights, little-endian, Want that of the checkpoint.
	Have, Want model.TensorSum
}

// Error names the tensor and both sums.
func (e *SumError) Error() string {
	return fmt.Sprintf("tensor %q: the decoded weights have the sum %v, want %v", e.Tensor, e.Have, e.Want)
}

// Sums returns how many of the coded tensors come with a sum, and how many there are in all: those are the ones that
// [WithChecks] checks.
func (m *Model) Sums() (with, all int) {
	for _, u := range m.units {
		for _, t := range u.tensors {
			if t.sum != nil {
				with++
			}
		}
		all += len(u.tensors)
	}
	return with, all
}

// A knownSum is the sum that a checkpoint has of a tensor.
type knownSum struct {
	model.TensorSum
	met atomic.Bool // the tensor had it once
}

// newKnownSum returns nil for a tensor without a sum.
func newKnownSum(sum *model.TensorSum) *knownSum {
	if sum == nil {
		return nil
	}
	return &knownSum{TensorSum: *sum}
}

// due says whether a tensor is to be compared with its sum.
func (s *knownSum) due(checks Checks) bool {
	return s != nil && (checks == CheckAlways || checks == CheckFirst && !s.met.Load())
}

// blockElements is the number of weights in a block of a sum.
const blockElements = model.SumBlock / 2

// sums takes the sums of tensors while they are decoded, by any number of goroutines. Whoever decodes the last weight
// of a block sums the block up, so that most of it is in a cache.
type sums struct {
	unit    *unit
	dst     []uint16 // the elements from base on
	base    int
	tensors []tensorSum // in the order of the unit
	blocks  []block     // of all of them, in the order of their elements
}

// A tensorSum is a sum on the way, and the number of its tensor in the unit.
type tensorSum struct {
	*model.TensorSummer
	number int
}

// A block is the elements [from, to) of the unit, and the block of that number of a sum.
type block struct {
	from, to int
	sum      *model.TensorSummer
	number   int
	missing  atomic.Int64 // elements that are not decoded yet
}

// newSums prepares the sums of what is to be checked of a span, whose elements go to dst, and returns nil if nothing
// is.
func newSums(s span, dst []uint16) *sums {
	r := &sums{unit: s.unit, dst: dst, base: s.from}
	blocks := 0
	for i := s.first; i < s.last; i++ {
		if t := s.unit.tensors[i]; t.sum.due(s.checks) {
			sum := model.NewTensorSummer(2 * uint64(t.to-t.from))
			r.tensors = append(r.tensors, tensorSum{sum, i})
			blocks += sum.Blocks()
		}
	}
	if len(r.tensors) == 0 {
		return nil
	}
	r.blocks = make([]block, 0, blocks)
	for _, t := range r.tensors {
		from, to := s.unit.tensors[t.number].from, s.unit.tensors[t.number].to
		for i := range t.Blocks() {
			r.blocks = append(r.blocks, block{from: from, to: min(to, from+blockElements), sum: t.TensorSummer, number: i})
			b := &r.blocks[len(r.blocks)-1]
			b.missing.Store(int64(b.to - b.from))
			from = b.to
		}
	}
	return r
}

// decoded tells that the elements [from, to) of the unit lie in dst. Each must be told of once.
func (s *sums) decoded(from, to int) {
	if s == nil {
		return
	}
	first := sort.Search(len(s.blocks), func(i int) bool { return s.blocks[i].to > from })
	for i := first; i < len(s.blocks) && s.blocks[i].from < to; i++ {
		b := &s.blocks[i]
		n := min(to, b.to) - max(from, b.from)
		if b.missing.Add(int64(-n)) == 0 {
			b.sum.Add(b.number, littleEndian(s.dst[b.from-s.base:b.to-s.base], hostIsLittleEndian))
		}
	}
}

// err compares the sums of what is decoded, all of it, with those of the checkpoint. Its error is that of the first
// tensor with another one.
func (s *sums) err() error {
	if s == nil {
		return nil
	}
	for _, t := range s.tensors {
		have, want := t.Sum(), s.unit.tensors[t.number].sum
		if have != want.TensorSum {
			return s.unit.wrap(&SumError{Tensor: s.unit.Tensors[t.number].Name, Have: have, Want: want.TensorSum})
		}
		want.met.Store(true)
	}
	return nil
}

// hostIsLittleEndian says that the bytes of a word lie in memory as in a file.
var hostIsLittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// littleEndian returns words, one or more, as the bytes of a file: their own memory, if it is like that.
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
