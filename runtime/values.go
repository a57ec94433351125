package runtime

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/float16"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// Values are the values of a tensor. They have memory of their own.
type Values struct {
	Tensor
	Bytes []byte // as in a safetensors file: little-endian elements, one after another
}

// A Number is the type of the elements of a [View].
type Number interface {
	uint8 | uint16 | uint32 | uint64 | int8 | int16 | int32 | int64 | float32 | float64
}

// View returns the elements of v. On a little-endian machine it does not copy them. T is the Go type of the
// tensor's elements, or the unsigned integer of their size: float32 or uint32 for F32, uint16 for BF16 and F16,
// uint8 for BOOL and all types of 8 bits. Another T is an error, and so is a tensor whose elements have less than 8
// bits, such as F4.
func View[T Number](v *Values) ([]T, error) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if !viewable(v.DType, reflect.TypeFor[T]().Kind()) {
		return nil, fmt.Errorf("runtime: tensor %q: no view of %s as %T", v.Name, v.DType, zero)
	}
	n := len(v.Bytes) / size
	if n == 0 {
		return nil, nil
	}
	p := unsafe.Pointer(unsafe.SliceData(v.Bytes))
	if !coded.HostIsLittleEndian || uintptr(p)%uintptr(size) != 0 {
		b := alignedBytes(len(v.Bytes))
		copy(b, v.Bytes)
		if !coded.HostIsLittleEndian {
			for i := 0; i < len(b); i += size {
				slices.Reverse(b[i : i+size])
			}
		}
		p = unsafe.Pointer(unsafe.SliceData(b))
	}
	return unsafe.Slice((*T)(p), n), nil
}

// kinds are the Go types with the same values as the elements of a type.
var kinds = map[model.DType]reflect.Kind{
	model.I8: reflect.Int8, model.I16: reflect.Int16, model.I32: reflect.Int32, model.I64: reflect.Int64,
	model.F32: reflect.Float32, model.F64: reflect.Float64,
}

// unsigned are the Go types for the bits of an element, by their number.
var unsigned = map[uint64]reflect.Kind{8: reflect.Uint8, 16: reflect.Uint16, 32: reflect.Uint32, 64: reflect.Uint64}

// viewable reports whether the elements of a type can be viewed as a Go type.
func viewable(d model.DType, as reflect.Kind) bool { return as == kinds[d] || as == unsigned[d.Bits()] }

// Float32s returns a copy of the elements of a tensor of BF16, F16 or F32 as float32 numbers. These hold each
// element exactly, and NaNs with their payloads. Other types are an error.
func (v *Values) Float32s() ([]float32, error) {
	var widen func(i int) float32
	switch v.DType {
	case model.BF16:
		widen = func(i int) float32 {
			return math.Float32frombits(uint32(binary.LittleEndian.Uint16(v.Bytes[2*i:])) << 16)
		}
	case model.F16:
		widen = func(i int) float32 {
			return math.Float32frombits(float16.Widen(binary.LittleEndian.Uint16(v.Bytes[2*i:])))
		}
	case model.F32:
		widen = func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(v.Bytes[4*i:])) }
	default:
		return nil, fmt.Errorf("runtime: tensor %q: %s is not BF16, F16 or F32", v.Name, v.DType)
	}
	all := make([]float32, len(v.Bytes)/int(v.DType.Bits()/8))
	for i := range all {
		all[i] = widen(i)
	}
	return all, nil
}

// alignedBytes returns memory of n bytes that is aligned for elements of any type.
func alignedBytes(n int) []byte {
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n)
}
