//go:build cuda

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/rans"
)

// ransPTX has the kernels for rANS.
const ransPTX = "runtime/internal/cuda/rans.ptx"

// ransShapes are the rows and columns of the tensors of a unit. Rows of some go through several splits.
var ransShapes = [][2]int{{1, 1}, {1, 63}, {1, 64}, {1, 300}, {1, 12_345}, {0, 64}, {100, 64}, {33, 192}, {40, 1024}, {3, 4160}, {5, 8192}}

// A ransUnit is a unit coded with rANS, and the weights that it holds.
type ransUnit struct {
	*gpu.RansLayout
	weights []uint16
	shapes  [][2]int // of the tensors, one after another
	splits  []*rans.Splits
	read    int64 // bytes that kernels have to read
}

// newRansUnit returns a unit of normal weights, some of which the tables lack.
func newRansUnit(f rans.Form, shapes ...[2]int) (*ransUnit, error) {
	u := &ransUnit{shapes: shapes}
	var tensors []gpu.RansTensor
	total := 0
	for _, s := range shapes {
		total += s[0] * s[1]
	}
	steps := launch.RansSplitSteps(total)
	for i, shape := range shapes {
		s, weights, err := drawnRans(f, uint64(i), shape)
		if err != nil {
			return nil, err
		}
		p, err := s.Splits(steps)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, gpu.RansTensor{Name: fmt.Sprintf("%d × %d", shape[0], shape[1]), From: len(u.weights), Stream: s})
		u.splits = append(u.splits, p)
		u.weights = append(u.weights, weights...)
		u.read += int64(len(s.Blocks) + len(s.Plane) + 4*len(p.States) + 4*len(p.Positions))
	}
	u.RansLayout = gpu.NewRansLayout("normal weights", tensors, steps)
	return u, u.SetSplits(u.splits)
}

// drawnRans returns a tensor of normal weights, and a few others.
func drawnRans(f rans.Form, seed uint64, shape [2]int) (*rans.Stream, []uint16, error) {
	r := rand.New(rand.NewPCG(seed, 17))
	weights, counts := make([]uint16, shape[0]*shape[1]), make([]uint64, f.Symbols())
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(0.02*r.NormFloat64())) >> 16)
		counts[f.Symbol(weights[i])]++
	}
	for i := 50; i < len(weights); i += 70_001 {
		weights[i] = uint16(r.Uint32())&0x80ff | 0x4100
	}
	t, err := rans.NewTable(f, counts)
	if err != nil {
		return nil, nil, err
	}
	s, err := rans.Encode(f, t, weights, rans.BlockWeights([]uint64{uint64(shape[0]), uint64(shape[1])}))
	return s, weights, err
}

// ransKernels loads the kernels for rANS, and returns what products need beside them.
func ransKernels(d *gpu.Device) (gpu.Kernels, *gpu.Parts, error) {
	text, err := os.ReadFile(ransPTX)
	if err != nil {
		return nil, nil, err
	}
	module, err := d.Load([]gpu.Image{{Form: "PTX", Code: string(text)}})
	if err != nil {
		return nil, nil, err
	}
	kernels := gpu.Kernels{}
	for _, l := range launch.OfRans() {
		if kernels[l.Entry], err = module.Kernel(&l); err != nil {
			return nil, nil, err
		}
	}
	parts, err := d.NewParts()
	return kernels, parts, err
}

// checkRans checks and times the kernels for rANS.
func (d *device) checkRans(c config, slot *gpu.Slot, timed bool, progress io.Writer) (err error) {
	kernels, parts, err := ransKernels(slot.Device)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close(slot.Device)) }()
	for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
		decodes := &result{Kernels: "rANS", Entry: launch.RansEntry(f), Form: "PTX"}
		multiplies := &result{Kernels: "rANS", Entry: launch.RansProductEntry(f), Form: "PTX"}
		d.Results, d.Products = append(d.Results, decodes), append(d.Products, multiplies)
		for _, shapes := range [][][2]int{ransShapes, {{max(1, c.weights/gemvColumns), gemvColumns}}} {
			u, err := newRansUnit(f, shapes...)
			if err != nil {
				return err
			}
			if err := u.check(decodes, multiplies, slot, kernels, parts); err != nil {
				return fmt.Errorf("%v, %d weights: %w", f, len(u.weights), err)
			}
			if timed && len(shapes) == 1 {
				if err := u.time(decodes, multiplies, slot, kernels, parts); err != nil {
					return err
				}
			}
		}
		for _, r := range []*result{decodes, multiplies} {
			fmt.Fprintf(progress, "%v: %s, kernel %s from %s: %d %s\n", d.Info, r.Kernels, r.Entry, r.Form, r.Cases, r.right())
		}
	}
	return nil
}

// check decodes a unit and compares every weight, and multiplies with its tensors that are matrices.
func (u *ransUnit) check(decodes, multiplies *result, slot *gpu.Slot, kernels gpu.Kernels, parts *gpu.Parts) error {
	decodes.Weights, decodes.Bytes = len(u.weights), u.read+2*int64(len(u.weights))
	if err := slot.Reserve(2*int64(len(u.weights)), u.Bytes); err != nil {
		return err
	}
	if err := slot.Decode(context.Background(), kernels, u, nil); err != nil {
		return err
	}
	if err := compare(slot, u, u.weights); err != nil {
		return err
	}
	decodes.Cases++
	multiplies.Weights = len(u.weights)
	first := 0
	for i, shape := range u.shapes {
		for _, batch := range []int{1, 3, launch.MostVectors} {
			if shape[0] == 0 || shape[1]%rans.States != 0 {
				continue
			}
			p := product{first, shape[1], batch}
			q := func(p *gpu.Product) error {
				p.Parts = parts
				return slot.Multiply(context.Background(), kernels, u, nil, p, slot.Stream())
			}
			if err := compareProduct(slot, u, u.weights, i, p, shape[0], q); err != nil {
				return fmt.Errorf("%d × %d with %d vectors: %w", shape[0], shape[1], batch, err)
			}
			multiplies.Cases++
		}
		first += shape[0] * shape[1]
	}
	return nil
}

// time times a unit of a single matrix, which lies compressed in device memory.
func (u *ransUnit) time(decodes, multiplies *result, slot *gpu.Slot, kernels gpu.Kernels, parts *gpu.Parts) (err error) {
	memory, err := slot.Device.Alloc(u.Bytes, "the unit to time")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, memory.Free()) }()
	if err := slot.Upload(context.Background(), u, memory); err != nil {
		return err
	}
	decodes.Time, err = median(slot, func() error { return slot.Decode(context.Background(), kernels, u, memory) })
	if err != nil {
		return err
	}
	rows, columns := u.shapes[0][0], u.shapes[0][1]
	q, free, err := place(slot, &product{0, columns, 1}, rows, make([]uint16, columns))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	q.Parts = parts
	multiplies.Time, err = median(slot, func() error { return slot.Device.Multiply(kernels, u, memory, &q.Product, slot.Stream()) })
	return err
}
