//go:build cuda

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
)

// A device is the report on a GPU.
type device struct {
	gpu.Info
	Driver   string
	Copy     float64   // bytes a second, read and written, of a copy within device memory; 0 if nothing was timed
	Plain    float64   // weights a second, of a plain matrix-vector product with bfloat16 weights; 0 if nothing was timed
	Results  []*result // of kernels that decode
	Products []*result // of kernels that multiply
}

// A result is the report on a kernel.
type result struct {
	Kernels, Entry, Form string
	Cases                int           // units decoded bit for bit, or products within their bounds
	Weights              int           // of the large unit, or of a matrix in it
	Bytes                int64         // that decoding the large unit has to move; 0 for products
	Time                 time.Duration // of the large unit; 0 if nothing was timed
}

// right says that all cases are right, and how many there are.
func (r *result) right() string {
	if r.Bytes == 0 {
		return "products, every one is right"
	}
	return "units, every weight is right"
}

// isStandIn reports whether a device is the stand-in of the tests, whose times mean nothing.
func isStandIn(info gpu.Info) bool { return strings.HasPrefix(info.Name, "Stand-in ") }

// checkDevice checks and times all kernels on a GPU.
func checkDevice(c config, info gpu.Info, progress io.Writer) (_ *device, err error) {
	d, err := gpu.Open(info)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	slot, err := d.NewSlot()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, slot.Close()) }()
	found := &device{Info: info, Driver: gpu.DriverVersion()}
	timed := !c.quick && !isStandIn(info)
	if timed {
		if found.Copy, err = timeCopy(slot, 2*int64(c.weights)); err != nil {
			return nil, err
		}
	}
	all, err := sources(c.published)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if err := found.check(c, s, slot, timed, progress); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if err := found.checkRans(c, slot, timed, progress); err != nil {
		return nil, fmt.Errorf("rANS: %w", err)
	}
	return found, nil
}

// check checks and times the kernels of a source.
func (d *device) check(c config, s source, slot *gpu.Slot, timed bool, progress io.Writer) (err error) {
	units, closeFile, err := unitsOf(c, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeFile()) }()
	for _, image := range s.images {
		module, err := slot.Device.Load([]gpu.Image{image})
		if err != nil {
			return err
		}
		for i := range s.launches {
			r := &result{Kernels: s.name, Entry: s.launches[i].Entry, Form: image.Form}
			if err := d.checkEntry(r, slot, module, &s.launches[i], units, timed); err != nil {
				return fmt.Errorf("kernel %s from %s: %w", r.Entry, r.Form, err)
			}
			fmt.Fprintf(progress, "%v: %s, kernel %s from %s: %d %s\n", d.Info, s.name, r.Entry, r.Form, r.Cases, r.right())
		}
	}
	return nil
}

// checkEntry checks and times an entry of a module.
func (d *device) checkEntry(r *result, slot *gpu.Slot, module *gpu.Module, l *launch.Launch, units []*unit, timed bool) error {
	k, err := module.Kernel(l)
	if err != nil {
		return err
	}
	if l.Product {
		d.Products = append(d.Products, r)
		return checkProducts(r, slot, k, units, timed)
	}
	if err := checkKernel(r, slot, k, units, timed); err != nil {
		return err
	}
	d.Results = append(d.Results, r)
	if len(d.Results) > 1 {
		return nil
	}
	return d.multiply(slot, units[len(units)-1], timed)
}

// multiply checks and times a matrix-vector product with the weights of a unit. The slot must hold this unit,
// decoded.
func (d *device) multiply(slot *gpu.Slot, u *unit, timed bool) error {
	took, n, err := timeGEMV(slot, u.weights, timed)
	if n > 0 {
		d.Plain = float64(n) / took.Seconds()
	}
	return err
}

// unitsOf returns the units that a source is checked with, the large unit last.
func unitsOf(c config, s source) (units []*unit, closeFile func() error, err error) {
	units, closeFile, err = vectorUnits(".")
	if err != nil {
		return nil, nil, err
	}
	add := func(b *codebook.Book, n int) {
		u, drawErr := drawn(b, n)
		err = errors.Join(err, drawErr)
		units = append(units, u)
	}
	for _, b := range s.books {
		for _, n := range sizes {
			add(b, n)
		}
	}
	add(s.books[0], c.weights)
	if err != nil {
		return nil, nil, errors.Join(err, closeFile())
	}
	return units, closeFile, nil
}

// checkKernel decodes all units. If timed is set, it times the last one.
func checkKernel(r *result, slot *gpu.Slot, k *gpu.Kernel, units []*unit, timed bool) error {
	for i, u := range units {
		if err := checkUnit(slot, k, i, u); err != nil {
			return fmt.Errorf("%s: %w", u.name, err)
		}
		r.Cases++
	}
	large := units[len(units)-1]
	r.Weights = len(large.weights)
	r.Bytes = read(large, k.Launch) + 2*int64(r.Weights)
	if !timed {
		return nil
	}
	var err error
	r.Time, err = timeUnit(large, k, slot, func(l *gpu.Layout, memory *gpu.Memory) error {
		return slot.Decode(context.Background(), gpu.Kernels{k.Launch.Entry: k}, l, memory)
	})
	return err
}

// read returns the number of bytes that a kernel has to read of a unit.
func read(u *unit, l *launch.Launch) int64 {
	s := u.stream
	n := len(s.Encoded) + len(s.SignMantissa)
	if l.Tiles {
		return int64(n + len(s.Tiles))
	}
	return int64(n + len(s.OutputPositions) + len(s.Gaps))
}

// checkUnit decodes a unit and compares every weight.
func checkUnit(slot *gpu.Slot, k *gpu.Kernel, number int, u *unit) error {
	ctx := context.Background()
	l, err := u.layout(number, k.Launch)
	if err != nil {
		return err
	}
	if err := slot.Reserve(2*int64(len(u.weights)), l.Bytes); err != nil {
		return err
	}
	if err := slot.Decode(ctx, gpu.Kernels{k.Launch.Entry: k}, l, nil); err != nil {
		return err
	}
	return compare(slot, l, u.weights)
}

// compare compares every weight of the unit in the slot, which was decoded right before.
func compare(slot *gpu.Slot, u gpu.Unit, weights []uint16) error {
	at, wrong := 0, -1
	err := slot.Download(context.Background(), u, 0, 2*int64(len(weights)), func(piece []byte) {
		for ; len(piece) > 0; piece = piece[2:] {
			if wrong < 0 && binary.LittleEndian.Uint16(piece) != weights[at] {
				wrong = at
			}
			at++
		}
	})
	if err != nil {
		return err
	}
	fault, err := slot.Fault(u)
	switch {
	case err != nil:
		return err
	case fault != nil:
		return fault
	case wrong >= 0:
		return fmt.Errorf("weight %d of %d is wrong", wrong, len(weights))
	}
	return nil
}

// The number of rounds of a timing, of which the median counts, and of decodings in each round.
const (
	rounds    = 11
	decodings = 20
)

// timeUnit times work with a unit that lies compressed in device memory.
func timeUnit(u *unit, k *gpu.Kernel, slot *gpu.Slot, work func(*gpu.Layout, *gpu.Memory) error) (_ time.Duration, err error) {
	l, err := u.layout(0, k.Launch)
	if err != nil {
		return 0, err
	}
	memory, err := slot.Device.Alloc(l.Bytes, "the unit to time")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, memory.Free()) }()
	if err := slot.Upload(context.Background(), l, memory); err != nil {
		return 0, err
	}
	return median(slot, func() error { return work(l, memory) })
}

// timeCopy returns the bytes a second, read and written, of a copy of n bytes.
func timeCopy(slot *gpu.Slot, n int64) (rate float64, err error) {
	var memory [2]*gpu.Memory
	for i := range memory {
		if memory[i], err = slot.Device.Alloc(n, "the copy to time"); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, memory[i].Free()) }()
	}
	t, err := median(slot, func() error { return slot.Copy(memory[0], memory[1], n) })
	return 2 * float64(n) / t.Seconds(), err
}
