package runtime

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// A Tensor describes a tensor of a checkpoint.
type Tensor struct {
	Name     string
	Elements int
	Shape    []uint64    // nil if the checkpoint does not have it
	DType    model.DType // BF16 for a coded tensor
	Unit     string      // the unit that the tensor belongs to; empty if it is not coded
}

// Tensors lists all tensors. The coded ones come first, in the order of [Model.Units]. The others follow in the
// order of the files.
func (m *Model) Tensors() []Tensor {
	var all []Tensor
	for _, u := range m.units {
		all = append(all, u.public().Tensors...)
	}
	for _, t := range m.file.Rest {
		all = append(all, describe(t))
	}
	return all
}

// describe describes a tensor that is not coded.
func describe(t *model.Tensor) Tensor {
	return Tensor{Name: t.Name, Elements: int(t.Elements()), Shape: slices.Clone(t.Shape), DType: t.DType}
}

// Tensor returns any tensor of the checkpoint, coded or not. It decodes a coded tensor, as [Model.DecodeTensor]
// does, and copies another one. The values have memory of their own, which stays valid after Close. Its size is
// that of the tensor before it was compressed.
//
// [WithChecks] applies to both kinds: the bytes are compared with the sum that the checkpoint has of the tensor.
func (m *Model) Tensor(ctx context.Context, name string) (*Values, error) {
	var v *Values
	err := m.call(ctx, func(ctx context.Context) error {
		if s, err := m.tensor(name); err == nil {
			t := m.tensors[name].unit.Tensors[s.First]
			t.Shape = slices.Clone(t.Shape)
			v = &Values{Tensor: t, Bytes: alignedBytes(2 * t.Elements)}
			return m.decodeBytes(ctx, s, v.Bytes)
		}
		raw, ok := m.raw[name]
		if !ok {
			return m.wrap(fmt.Errorf("no tensor %q", name))
		}
		v = &Values{Tensor: describe(raw.Tensor), Bytes: alignedBytes(int(raw.Size()))}
		return m.read(ctx, raw, v.Bytes)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// ReadTensor is [Model.Tensor] with memory of the caller. dst must have the size of the tensor. It gets the
// tensor's bytes as in a safetensors file, with little-endian elements.
func (m *Model) ReadTensor(ctx context.Context, name string, dst []byte) error {
	return m.call(ctx, func(ctx context.Context) error {
		if s, err := m.tensor(name); err == nil {
			if len(dst) != 2*s.Elements() {
				return s.Unit.Wrap(fmt.Errorf("tensor %q: %d bytes into a buffer of %d", name, 2*s.Elements(), len(dst)))
			}
			return m.decodeBytes(ctx, s, dst)
		}
		raw, ok := m.raw[name]
		if !ok {
			return m.wrap(fmt.Errorf("no tensor %q", name))
		}
		if uint64(len(dst)) != raw.Size() {
			return raw.wrap(fmt.Errorf("%d bytes into a buffer of %d", raw.Size(), len(dst)))
		}
		return m.read(ctx, raw, dst)
	})
}

// decodeBytes decodes a span to bytes, two for each element.
func (m *Model) decodeBytes(ctx context.Context, s coded.Span, dst []byte) error {
	if words, ok := wordsIn(dst); ok {
		return m.decode(ctx, s, words)
	}
	words := make([]uint16, s.Elements())
	if err := m.decode(ctx, s, words); err != nil {
		return err
	}
	for i, w := range words {
		binary.LittleEndian.PutUint16(dst[2*i:], w)
	}
	return nil
}

// wordsIn returns the memory of bytes as words. It reports false if the bytes are not aligned, or if this machine
// stores the words of a file in another order.
func wordsIn(b []byte) ([]uint16, bool) {
	p := unsafe.Pointer(unsafe.SliceData(b))
	if !coded.HostIsLittleEndian || uintptr(p)%2 != 0 {
		return nil, false
	}
	return unsafe.Slice((*uint16)(p), len(b)/2), true
}

// A rawTensor is a tensor that is not coded.
type rawTensor struct {
	*model.Tensor
	sum *coded.Sum // nil if the checkpoint has none
}

// newRawTensor returns a tensor with its sum, which is looked up among those of the checkpoint.
func newRawTensor(t *model.Tensor, sums map[string]model.TensorSum) *rawTensor {
	r := &rawTensor{Tensor: t}
	if sum, ok := sums[t.Name]; ok {
		r.sum = coded.NewSum(&sum)
	}
	return r
}

// copyPiece is the number of bytes of a tensor that are copied between two looks at the context.
const copyPiece = 16 << 20

// read copies a tensor that is not coded, and compares it with its sum if that is due.
func (m *Model) read(ctx context.Context, t *rawTensor, dst []byte) error {
	src := t.Bytes()
	for from := 0; from < len(src); from += copyPiece {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(len(src), from+copyPiece)
		copy(dst[from:to], src[from:to])
	}
	if m.checks != 0 && t.sum.Due(m.checks == CheckAlways) {
		if have := model.SumTensor(dst); !t.sum.Is(have) {
			return fmt.Errorf("runtime: %s: %w", t.File(), &SumError{Tensor: t.Name, Have: have, Want: t.sum.TensorSum})
		}
	}
	return ctx.Err()
}

// wrap names file and tensor in an error.
func (t *rawTensor) wrap(err error) error {
	return fmt.Errorf("runtime: %s: tensor %q: %w", t.File(), t.Name, err)
}
