package model

import (
	"fmt"
	"math/bits"
	"slices"
)

// Tensor is one tensor of a safetensors file: its description and a view of its bytes.
type Tensor struct {
	Name  string
	DType DType
	// Shape holds the dimensions, outermost first. It is empty for a scalar.
	Shape []uint64
	// Begin and End bound the tensor's bytes within the data that follow the header.
	Begin, End uint64

	file *File
}

// Size returns the number of bytes the tensor takes.
func (t *Tensor) Size() uint64 { return t.End - t.Begin }

// Elements returns the number of elements: the product of the dimensions.
func (t *Tensor) Elements() uint64 {
	n, err := elements(t.Shape)
	if err != nil {
		return 0 // not reached for a tensor that ParseHeader has checked
	}
	return n
}

// Bytes returns the tensor's bytes as they lie in the file, elements little-endian. The slice is
// read-only and valid until the file is closed. It is nil for a tensor that belongs to no open file.
func (t *Tensor) Bytes() []byte {
	if t.file == nil || t.file.data == nil {
		return nil
	}
	return t.file.data[t.Begin:t.End:t.End]
}

// File returns the path of the file that holds the tensor.
func (t *Tensor) File() string {
	if t.file == nil {
		return ""
	}
	return t.file.path
}

// String describes the tensor in a few words.
func (t *Tensor) String() string { return fmt.Sprintf("%s %s %v", t.Name, t.DType, t.Shape) }

// elements returns the product of the dimensions. A zero anywhere makes it 0, but the others must
// not overflow on the way: the reference reader multiplies from left to right.
func elements(shape []uint64) (uint64, error) {
	n := uint64(1)
	for _, d := range shape {
		hi, lo := bits.Mul64(n, d)
		if hi != 0 {
			return 0, fmt.Errorf("shape %v has more than 2^64-1 elements", shape)
		}
		n = lo
	}
	return n, nil
}

// byteSize returns the number of bytes of a tensor.
func byteSize(d DType, shape []uint64) (uint64, error) {
	width := d.Bits()
	if width == 0 {
		return 0, fmt.Errorf("unknown dtype %q", string(d))
	}
	n, err := elements(shape)
	if err != nil {
		return 0, err
	}
	hi, lo := bits.Mul64(n, width)
	if hi != 0 {
		return 0, fmt.Errorf("%d elements of %d bits are more than 2^64-1 bits", n, width)
	}
	if lo%8 != 0 {
		return 0, fmt.Errorf("%d elements of %d bits do not fill whole bytes", n, width)
	}
	return lo / 8, nil
}

// sortTensors puts tensors in the order of their bytes; those without bytes keep their order.
func sortTensors(ts []*Tensor) {
	slices.SortStableFunc(ts, func(a, b *Tensor) int {
		switch {
		case a.Begin != b.Begin && a.Begin < b.Begin, a.Begin == b.Begin && a.End < b.End:
			return -1
		case a.Begin == b.Begin && a.End == b.End:
			return 0
		}
		return 1
	})
}

// DType is the element type of a tensor, as a safetensors header spells it.
type DType string

// The element types of the safetensors format.
const (
	BOOL       DType = "BOOL"
	F4         DType = "F4"
	F6E2M3     DType = "F6_E2M3"
	F6E3M2     DType = "F6_E3M2"
	U8         DType = "U8"
	I8         DType = "I8"
	F8E5M2     DType = "F8_E5M2"
	F8E4M3     DType = "F8_E4M3"
	F8E8M0     DType = "F8_E8M0"
	F8E4M3FNUZ DType = "F8_E4M3FNUZ"
	F8E5M2FNUZ DType = "F8_E5M2FNUZ"
	I16        DType = "I16"
	U16        DType = "U16"
	F16        DType = "F16"
	BF16       DType = "BF16"
	I32        DType = "I32"
	U32        DType = "U32"
	F32        DType = "F32"
	C64        DType = "C64"
	F64        DType = "F64"
	I64        DType = "I64"
	U64        DType = "U64"
)

// dtypes lists the element types in the order in which the reference writer sorts them (the widest
// last, so that data stays aligned when it is written from the last to the first).
var dtypes = []struct {
	name DType
	bits uint64
}{
	{BOOL, 8}, {F4, 4}, {F6E2M3, 6}, {F6E3M2, 6}, {U8, 8}, {I8, 8},
	{F8E5M2, 8}, {F8E4M3, 8}, {F8E8M0, 8}, {F8E4M3FNUZ, 8}, {F8E5M2FNUZ, 8},
	{I16, 16}, {U16, 16}, {F16, 16}, {BF16, 16},
	{I32, 32}, {U32, 32}, {F32, 32},
	{C64, 64}, {F64, 64}, {I64, 64}, {U64, 64},
}

// Bits returns the size of an element in bits, 0 for a type the format does not have.
func (d DType) Bits() uint64 {
	if i := d.rank(); i >= 0 {
		return dtypes[i].bits
	}
	return 0
}

// rank returns the place of d in dtypes, -1 when it has none.
func (d DType) rank() int {
	for i := range dtypes {
		if dtypes[i].name == d {
			return i
		}
	}
	return -1
}
