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
	"github.com/seed54244801/bespoke/internal/gpu"
)

// A device is what was found out about a GPU.
type device struct {
	gpu.Info
	Driver  string
	Copy    float64 // bytes a second, of a copy within device memory: read and written; 0 where nothing was timed
	Product float64 // weights a second, of a plain matrix-vector product with bfloat16 weights; 0 likewise
	Results []result
}

// A result is what was found out about a kernel.
type result struct {
	Kernels, Entry, Form string
	Units                int           // decoded, all bit for bit
	Weights              int           // of the large unit
	Bytes                int64         // that decoding the large unit has to move
	Time                 time.Duration // of the large unit, 0 where nothing was timed
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
	all := sources()
	if c.published != "" {
		s, err := published(c.published)
		if err != nil {
			return nil, err
		}
		s.books = all[0].books
		all = append(all, *s)
	}
	for _, s := range all {
		units, closeFile, err := unitsOf(c, s)
		if err != nil {
			return nil, err
		}
		for _, image := range s.images {
			kernels, err := d.Kernels(image)
			if err != nil {
				return nil, errors.Join(err, closeFile())
			}
			for _, k := range kernels {
				r, err := checkKernel(slot, k, units, timed)
				if err != nil {
					return nil, errors.Join(fmt.Errorf("%s, kernel %s from %s: %w", s.name, k.Launch.Entry, image.Form, err), closeFile())
				}
				if found.Product == 0 {
					if err := found.multiply(slot, units[len(units)-1], timed); err != nil {
						return nil, errors.Join(err, closeFile())
					}
				}
				r.Kernels = s.name
				found.Results = append(found.Results, *r)
				fmt.Fprintf(progress, "%v: %s, kernel %s from %s: %d units, every weight is right\n", info, s.name, k.Launch.Entry, image.Form, r.Units)
			}
		}
		if err := closeFile(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// multiply checks and times a matrix-vector product with the weights of a unit, which the slot has decoded last.
func (d *device) multiply(slot *gpu.Slot, u *unit, timed bool) error {
	took, n, err := timeGEMV(slot, u.weights, timed)
	if n > 0 {
		d.Product = float64(n) / took.Seconds()
	}
	return err
}

// unitsOf returns what a source is checked with, the large unit last.
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

// checkKernel decodes all units and times the last, if it is to.
func checkKernel(slot *gpu.Slot, k *gpu.Module, units []*unit, timed bool) (*result, error) {
	r := &result{Entry: k.Launch.Entry, Form: k.Image.Form}
	for i, u := range units {
		if err := checkUnit(slot, k, i, u); err != nil {
			return nil, fmt.Errorf("%s: %w", u.name, err)
		}
		r.Units++
	}
	large := units[len(units)-1]
	s := large.stream
	r.Weights = s.Elements()
	r.Bytes = int64(len(s.Encoded)+len(s.SignMantissa)+len(s.OutputPositions)+len(s.Gaps)) + 2*int64(r.Weights)
	if !timed {
		return r, nil
	}
	var err error
	r.Time, err = timeUnit(slot, k, large)
	return r, err
}

// checkUnit decodes a unit and compares every weight.
func checkUnit(slot *gpu.Slot, k *gpu.Module, number int, u *unit) error {
	ctx := context.Background()
	l := gpu.NewLayout(u.name, number, u.stream, nil)
	if err := slot.Reserve(2*int64(len(u.weights)), l.Bytes); err != nil {
		return err
	}
	if err := slot.Decode(ctx, k, l, nil); err != nil {
		return err
	}
	at, wrong := 0, -1
	err := slot.Download(ctx, l, 0, 2*int64(len(u.weights)), func(piece []byte) {
		for ; len(piece) > 0; piece = piece[2:] {
			if wrong < 0 && binary.LittleEndian.Uint16(piece) != u.weights[at] {
				wrong = at
			}
			at++
		}
	})
	if err != nil {
		return err
	}
	word, err := slot.ErrorWord(l)
	switch {
	case err != nil:
		return err
	case word != 0:
		return fmt.Errorf("error word %#016x", word)
	case wrong >= 0:
		return fmt.Errorf("weight %d of %d is wrong", wrong, len(u.weights))
	}
	return nil
}

// Rounds of a timing, of which the median counts, and decodings in each.
const (
	rounds    = 11
	decodings = 20
)

func timeUnit(slot *gpu.Slot, k *gpu.Module, u *unit) (_ time.Duration, err error) {
	ctx := context.Background()
	l := gpu.NewLayout(u.name, 0, u.stream, nil)
	memory, err := slot.Device.Alloc(l.Bytes, "the unit to time")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, memory.Free()) }()
	if err := slot.Upload(ctx, l, memory); err != nil {
		return 0, err
	}
	return median(slot, func() error { return slot.Decode(ctx, k, l, memory) })
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
