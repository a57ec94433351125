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

// A source is a tensor, coded or not, with what reads it.
type source struct {
	Tensor
	size int // in bytes
	// read writes the bytes to dst, which has as many.
	read func(ctx context.Context, dst []byte) error
	// wrap names the place of the tensor in an error.
	wrap func(error) error
}

// find finds a tensor by its name.
func (m *Model) find(name string) (source, error) {
	if p, ok := m.tensors[name]; ok {
		s, t := p.unit.coded.Tensor(p.number), p.unit.Tensors[p.number]
		t.Shape = slices.Clone(t.Shape)
		read := func(ctx context.Context, dst []byte) error { return m.decodeBytes(ctx, s, dst) }
		return source{t, 2 * t.Elements, read, s.Unit.Wrap}, nil
	}
	if t, ok := m.raw[name]; ok {
		read := func(ctx context.Context, dst []byte) error { return m.read(ctx, t, dst) }
		return source{describe(t.Tensor), int(t.Size()), read, t.wrap}, nil
	}
	return source{}, m.wrap(fmt.Errorf("no tensor %q", name))
}

// Tensor returns any tensor of the checkpoint, coded or not. It decodes a coded tensor, as [Model.DecodeTensor]
// does, and copies another one. The values have memory of their own, which stays valid after Close. Its size is
// that of the tensor before it was compressed.
//
// [WithChecks] applies to both kinds: the bytes are compared with the sum that the checkpoint has of the tensor.
func (m *Model) Tensor(ctx context.Context, name string) (*Values, error) {
	var v *Values
	err := m.call(ctx, func(ctx context.Context) error {
		s, err := m.find(name)
		if err != nil {
			return err
		}
		v = &Values{Tensor: s.Tensor, Bytes: alignedBytes(s.size)}
		return s.read(ctx, v.Bytes)
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
		s, err := m.find(name)
		if err != nil {
			return err
		}
		if len(dst) != s.size {
			return s.wrap(fmt.Errorf("tensor %q: %d bytes into a buffer of %d", name, s.size, len(dst)))
		}
		return s.read(ctx, dst)
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
			return t.wrap(&SumError{Tensor: t.Name, Have: have, Want: t.sum.TensorSum})
		}
	}
	return ctx.Err()
}

// wrap names the file in an error.
func (t *rawTensor) wrap(err error) error { return fmt.Errorf("runtime: %s: %w", t.File(), err) }
