//go:build cuda

package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
)

// A product is the product of a matrix in a unit with a batch of vectors.
type product struct{ first, columns, batch int }

// products are matrices of many shapes. Some have rows of whole steps of the kernel, others do not.
var products = []product{
	{0, gemvColumns, 1}, {0, gemvColumns, 8}, {256, 256, 8}, {0, 2048, 3}, {2048, 768, 5}, {0, 1, 1}, {0, 19, 7}, {3, 100, 2}, {77, 4097, 6},
}

// Units with more weights than this are checked with the first few products alone.
const (
	manyWeights = 60_000
	fewProducts = 2
)

// one is the bfloat16 number 1.
const one = 0x3f80

func float(bf16 uint16) float64 { return float64(math.Float32frombits(uint32(bf16) << 16)) }

// dot returns the product of weights with a vector of bfloat16 numbers, and the sum of the absolute values of what
// it adds up.
func dot(weights, x []uint16) (sum, size float64) {
	for i, w := range weights {
		v := float(w) * float(x[i])
		sum += v
		size += math.Abs(v)
	}
	return sum, size
}

// bound returns the largest error of the float32 sum of n numbers, in whatever order they are added, as a part of
// the sum of their absolute values.
func bound(n int) float64 { return float64(n+64) * 0x1p-24 }

// checkProducts multiplies with all units. If timed is set, it times the first product of the last unit.
func checkProducts(r *result, slot *gpu.Slot, k *gpu.Kernel, units []*unit, timed bool) (err error) {
	last := units[len(units)-1]
	for i, u := range units {
		shapes := products
		if len(u.weights) > manyWeights {
			shapes = products[:fewProducts]
		}
		for _, p := range shapes {
			rows := (len(u.weights) - p.first) / p.columns
			if rows < 1 {
				continue
			}
			if err := checkProduct(slot, k, i, u, p, rows); err != nil {
				return fmt.Errorf("%s, %d × %d from weight %d on with %d vectors: %w", u.name, rows, p.columns, p.first, p.batch, err)
			}
			r.Cases++
		}
	}
	p := products[0]
	rows := len(last.weights) / p.columns
	r.Weights = rows * p.columns
	if !timed || rows == 0 {
		return nil
	}
	q, free, err := place(slot, &p, rows, make([]uint16, p.columns))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	r.Time, err = timeUnit(last, k, slot, func(l *gpu.Layout, memory *gpu.Memory) error {
		return slot.Device.Multiply(gpu.Kernels{k.Launch.Entry: k}, l, memory, &q.Product, slot.Stream())
	})
	return err
}

// A placed product has its vectors in device memory, with room for the result.
type placed struct {
	gpu.Product
	y *gpu.Memory
}

func place(slot *gpu.Slot, p *product, rows int, x []uint16) (_ *placed, free func() error, err error) {
	var all []*gpu.Memory
	free = func() (err error) {
		for _, m := range all {
			err = errors.Join(err, m.Free())
		}
		return err
	}
	for _, n := range []int{2 * len(x), 4 * p.batch * rows} {
		m, err := slot.Device.Alloc(int64(n), "vectors")
		if err != nil {
			return nil, nil, errors.Join(err, free())
		}
		all = append(all, m)
	}
	bytes := make([]byte, 0, 2*len(x))
	for _, v := range x {
		bytes = binary.LittleEndian.AppendUint16(bytes, v)
	}
	if err := all[0].Write(bytes); err != nil {
		return nil, nil, errors.Join(err, free())
	}
	q := gpu.Product{
		First: p.first, Rows: rows, Columns: p.columns, Batch: p.batch,
		X: uintptr(all[0].Address), Y: uintptr(all[1].Address),
	}
	return &placed{q, all[1]}, free, nil
}

// checkProduct multiplies a matrix with random vectors and compares the result with sums in float64.
func checkProduct(slot *gpu.Slot, k *gpu.Kernel, number int, u *unit, p product, rows int) error {
	l, err := u.layout(number, k.Launch)
	if err != nil {
		return err
	}
	if err := slot.Reserve(0, l.Bytes); err != nil {
		return err
	}
	return compareProduct(slot, l, u.weights, number, p, rows, func(q *gpu.Product) error {
		return slot.Multiply(context.Background(), gpu.Kernels{k.Launch.Entry: k}, l, nil, q, slot.Stream())
	})
}

// compareProduct has the slot multiply a matrix of a unit with random vectors, and compares the result with sums in float64.
func compareProduct(slot *gpu.Slot, u gpu.Unit, weights []uint16, seed int, p product, rows int, multiply func(*gpu.Product) error) (err error) {
	r := rand.New(rand.NewPCG(uint64(seed), 13))
	x := make([]uint16, p.batch*p.columns)
	for i := range x {
		x[i] = uint16(math.Float32bits(float32(r.NormFloat64())) >> 16)
	}
	q, free, err := place(slot, &p, rows, x)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	if err := multiply(&q.Product); err != nil {
		return err
	}
	fault, err := slot.Fault(u)
	if err = cmp.Or(err, fault); err != nil {
		return err
	}
	y, err := q.y.Read()
	if err != nil {
		return err
	}
	for i := range p.batch * rows {
		got := float64(math.Float32frombits(binary.LittleEndian.Uint32(y[4*i:])))
		row, vector := i%rows, i/rows
		want, size := dot(weights[p.first+row*p.columns:][:p.columns], x[vector*p.columns:])
		if most := bound(p.columns) * size; !(math.Abs(got-want) <= most) {
			return fmt.Errorf("row %d, vector %d: %g, want %g within %g", row, vector, got, want, most)
		}
	}
	return nil
}
