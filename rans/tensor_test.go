package rans

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"
)

// sealed returns the bytes of a tensor with a changed header, and the sum that goes with it.
func sealed(t *testing.T, change func(b []byte)) []byte {
	t.Helper()
	s := encode(t, Exponent, normal(1000), 400)
	b, err := (&Tensor{*s, []uint64{10, 100}}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	change(b)
	clear(b[atSum : atSum+8])
	binary.LittleEndian.PutUint64(b[atSum:], xxh3.Hash(b[:headerBytes+TableBytes+3*indexBytes]))
	return b
}

func TestTensor(t *testing.T) {
	for _, f := range bothForms {
		for _, shape := range [][]uint64{{0}, {1}, {}, {65}, {10, 100}, {1, 2, 3, 4, 5, 6, 1, 1}} {
			n := 1
			for _, d := range shape {
				n *= int(d)
			}
			weights := normal(n)
			want := &Tensor{*encode(t, f, weights, 400), shape}
			b, err := want.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			again, err := want.BytesIn(bytes.Repeat([]byte{0xff}, 10_000))
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("%v %v: other bytes in used memory, error %v", f, shape, err)
			}
			got, err := ParseTensor(b)
			if err != nil {
				t.Fatalf("%v %v: %v", f, shape, err)
			}
			decoded, err := Decode(&got.Stream)
			if err != nil || !slices.Equal(decoded, weights) || !slices.Equal(got.Shape, shape) || got.Form != f || got.BlockWeights != 400 {
				t.Errorf("%v %v: %v, shape %v", f, shape, err, got.Shape)
			}
		}
	}
}

// TestTensorDamage changes each bit of header, table and index, and each length.
func TestTensorDamage(t *testing.T) {
	b := sealed(t, func([]byte) {})
	for at := range headerBytes + TableBytes + 3*indexBytes {
		for bit := range 8 {
			b[at] ^= 1 << bit
			if _, err := ParseTensor(b); err == nil {
				t.Errorf("bit %d of byte %d is changed, no error", bit, at)
			}
			b[at] ^= 1 << bit
		}
	}
	tensor, err := ParseTensor(b)
	if err != nil {
		t.Fatal(err)
	}
	for at := range b {
		b[at] ^= 0x10
		parsed, err := ParseTensor(b)
		if err == nil {
			_, err = Decode(&parsed.Stream)
		}
		if err == nil {
			t.Errorf("byte %d of %d is changed, no error", at, tensor.places().end)
		}
		b[at] ^= 0x10
	}
	for n := range len(b) {
		if _, err := ParseTensor(b[:n]); err == nil {
			t.Errorf("%d of %d bytes, no error", n, len(b))
		}
	}
	if _, err := ParseTensor(append(b, 0)); err == nil {
		t.Error("a byte too many, no error")
	}
}

func TestTensorErrors(t *testing.T) {
	for want, change := range map[string]func(b []byte){
		"do not begin":            func(b []byte) { b[4] = 2 },
		"Form(2)":                 func(b []byte) { b[atForm] = 2 },
		"9 dimensions":            func(b []byte) { b[atDims] = 9 },
		"shape [10] of":           func(b []byte) { b[atDims] = 1 },
		"overflows":               func(b []byte) { b[atShape+7], b[atShape+15] = 1, 1 },
		"blocks of 0":             func(b []byte) { binary.LittleEndian.PutUint32(b[atBlockWeights:], 0) },
		"blocks of 8388609":       func(b []byte) { binary.LittleEndian.PutUint32(b[atBlockWeights:], MaxBlock+1) },
		"18446744073709551615 we": func(b []byte) { binary.LittleEndian.PutUint64(b[atWeights:], 1<<64-1) },
		"18446744073709551615 by": func(b []byte) { binary.LittleEndian.PutUint64(b[atBlocks:], 1<<64-1) },
		"must be":                 func(b []byte) { binary.LittleEndian.PutUint64(b[atBlocks:], 0) },
	} {
		if _, err := ParseTensor(sealed(t, change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, at := range []int{7, 20, 23, 40, 63, headerBytes - 1} {
		if _, err := ParseTensor(sealed(t, func(b []byte) { b[at] = 1 })); err == nil || !strings.Contains(err.Error(), "no zeros in the header") {
			t.Errorf("byte %d is not zero: %v", at, err)
		}
	}
	s := encode(t, Exponent, normal(10), 400)
	for _, shape := range [][]uint64{{11}, make([]uint64, MaxDims+1)} {
		if _, err := (&Tensor{*s, shape}).Bytes(); err == nil {
			t.Errorf("shape %v of 10 weights, no error", shape)
		}
	}
}

func FuzzParseTensor(f *testing.F) {
	for _, form := range bothForms {
		table, err := NewTable(form, make([]uint64, form.Symbols()))
		if err != nil {
			f.Fatal(err)
		}
		for _, n := range []int{0, 1, 100} {
			s, err := Encode(form, table, make([]uint16, n), 64)
			if err != nil {
				f.Fatal(err)
			}
			b, err := (&Tensor{*s, []uint64{uint64(n)}}).Bytes()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tensor, err := ParseTensor(b)
		if err != nil {
			return
		}
		if again, err := tensor.Bytes(); err != nil || len(again) != len(b) {
			t.Error(fmt.Errorf("%d bytes, %d before: %w", len(again), len(b), err))
		}
		_, _ = Decode(&tensor.Stream)
	})
}

func TestBlockWeights(t *testing.T) {
	for _, c := range []struct {
		shape []uint64
		want  int
	}{
		{nil, 1}, {[]uint64{0}, 1}, {[]uint64{0, 5}, 5}, {[]uint64{5}, 5}, {[]uint64{1 << 20}, 1 << 18},
		{[]uint64{10, 100}, 1000},        // one block
		{[]uint64{100, 1000}, 34_000},    // three
		{[]uint64{768, 768}, 192 * 768},  // four
		{[]uint64{4096, 4096}, 1 << 18},  // 64
		{[]uint64{3072, 768}, 256 * 768}, // nine would do; twelve
		{[]uint64{8, 32, 1024}, 1 << 16}, // all but the last dimension are rows
		{[]uint64{1, 1 << 19}, 1 << 18},  // a row of two blocks
		{[]uint64{3, 200_000}, 200_000},
	} {
		if got := BlockWeights(c.shape); got != c.want {
			t.Errorf("%v: blocks of %d, want %d", c.shape, got, c.want)
		}
	}
}
