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
