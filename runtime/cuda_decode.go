//go:build cuda

package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
)

// gpus is the accelerator of a model.
type gpus struct {
	model   *Model
	options *options
	program *program
	devices []*gpuDevice
	units   map[*unit]*gpuUnit // those that the program decodes
	order   []*gpuUnit         // the same, as in the model
	left    []*unit            // the others

	mu    sync.Mutex
	notes []string // what went otherwise than Open chose
}

func (g *gpus) close() error {
	var errs []error
	for _, d := range g.devices {
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}

// say notes what goes otherwise than planned, once.
func (g *gpus) say(message string) {
	g.mu.Lock()
	known := slices.Contains(g.notes, message)
	if !known {
		g.notes = append(g.notes, message)
	}
	g.mu.Unlock()
	if !known {
		g.options.say(message)
	}
}

func (g *gpus) decoder(opened Choice) Choice {
	g.mu.Lock()
	defer g.mu.Unlock()
	working := slices.ContainsFunc(g.devices, func(d *gpuDevice) bool { return d.failure() == nil })
	if !working {
		return Choice{Name: bestOnCPU().Name, Reason: joinReasons(g.notes...)}
	}
	return Choice{Name: opened.Name, Reason: joinReasons(append([]string{opened.Reason}, g.notes...)...)}
}

// failure is the error that broke the context, nil while it works.
func (d *gpuDevice) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.broken
}

func (g *gpus) decode(ctx context.Context, s span, dst []uint16) (done bool, err error) {
	gu := g.units[s.unit]
	if gu == nil {
		return false, nil
	}
	slot, err := gu.device.decode(ctx, gu)
	if err != nil {
		return g.trouble(ctx, gu, err)
	}
	sums := newSums(s, dst)
	fault, err := gu.read(ctx, slot, s, dst, sums)
	gu.device.give(slot)
	if err != nil {
		return g.trouble(ctx, gu, err)
	}
	if fault != nil {
		return true, g.decodeAgain(ctx, gu, fault, s, dst)
	}
	return true, sums.err()
}

// read copies a span from the slot to dst, and sums it up. It returns what the kernel found wrong with the unit.
func (gu *gpuUnit) read(ctx context.Context, slot *gpu.Slot, s span, dst []uint16, sums *sums) (fault, err error) {
	at, bytes := s.from, wordBytes(dst)
	err = slot.Download(ctx, gu.layout, 2*int64(s.from), 2*int64(s.to), func(piece []byte) {
		n := copy(bytes, piece)
		bytes = bytes[n:]
		sums.decoded(at, at+n/2)
		at += n / 2
	})
	if err != nil {
		return nil, err
	}
	return gu.fault(gu.entry, slot)
}

// fault waits for what an entry makes of a unit and returns what it finds wrong, nil for nothing.
func (gu *gpuUnit) fault(l *launch.Launch, slot *gpu.Slot) (fault, err error) {
	word, err := slot.ErrorWord(gu.layout)
	if err != nil {
		return nil, err
	}
	if fault = l.ParseError(word); fault != nil {
		fault = fmt.Errorf("%v, kernel %s: %w", gu.device.Info, l.Entry, fault)
	}
	return fault, nil
}

// decodeAgain decodes a span on the CPU, for a kernel that found a fault with its unit: what is wrong the CPU says, or
// it finds that the weights are right nevertheless.
func (g *gpus) decodeAgain(ctx context.Context, gu *gpuUnit, fault error, s span, dst []uint16) error {
	if err := g.model.decodeOnCPU(ctx, s, dst); err != nil {
		return err
	}
	g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s", gu.unit.Name, fault, bestOnCPU().Name))
	return nil
}

// trouble decides what an error of the driver means: for want of memory, or if nobody asked for this decoder by
// name, the CPU decodes instead.
func (g *gpus) trouble(ctx context.Context, gu *gpuUnit, err error) (done bool, _ error) {
	var fault *gpu.Error
	switch {
	case ctx.Err() != nil:
		return true, ctx.Err()
	case !errors.As(err, &fault):
		return true, gu.unit.wrap(err)
	case gpu.IsOutOfMemory(err):
		g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s", gu.unit.Name, err, bestOnCPU().Name))
		return false, nil
	}
	first := gu.device.fail(err)
	if g.options.forced() {
		return true, gu.unit.wrap(err)
	}
	if first {
		g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s from here on", gu.unit.Name, err, bestOnCPU().Name))
	}
	return false, nil
}

// fail notes that the context is broken, and reports whether that is news.
func (d *gpuDevice) fail(err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return false
	}
	d.broken = err
	return true
}

func (g *gpus) decodeToDevice(ctx context.Context, u *unit) (*DeviceWeights, error) {
	if _, err := u.prepare(); err != nil {
		return nil, err
	}
	gu := g.units[u]
	if gu == nil {
		return nil, u.wrap(errors.New(g.program.lacks(u.stream.Index())))
	}
	d := gu.device
	slot, err := d.decode(ctx, gu)
	if err != nil {
		return nil, u.wrap(err)
	}
	if err := g.settle(ctx, gu, slot); err != nil {
		d.give(slot)
		return nil, err
	}
	return &DeviceWeights{
		model:   g.model,
		Unit:    u.public(),
		Device:  d.Ordinal,
		Context: d.Context(),
		Pointer: uintptr(slot.Weights.Address),
		Ready:   slot.Ready(),
		wait: func() error {
			if err := slot.Wait(fmt.Sprintf("decode unit %q", u.Name)); err != nil {
				return u.wrap(err)
			}
			return nil
		},
		release: func(stream uintptr) error {
			err := slot.FreeBehind(stream)
			d.give(slot)
			if err != nil {
				return u.wrap(err)
			}
			return nil
		},
	}, nil
}

// check returns what an entry found wrong with a unit, nil if nothing is or if that was checked before. The
// flag is guarded by the mutex of the unit's device.
func (gu *gpuUnit) check(l *launch.Launch, slot *gpu.Slot, checked *bool) (fault, err error) {
	d := gu.device
	d.mu.Lock()
	known := *checked
	d.mu.Unlock()
	if known {
		return nil, nil
	}
	if fault, err = gu.fault(l, slot); err != nil {
		return nil, gu.unit.wrap(err)
	}
	d.mu.Lock()
	*checked = fault == nil
	d.mu.Unlock()
	return fault, nil
}

// settle checks the weights in a slot. Those with which something is wrong are the CPU's.
func (g *gpus) settle(ctx context.Context, gu *gpuUnit, slot *gpu.Slot) error {
	fault, err := gu.check(gu.entry, slot, &gu.checked)
	if err != nil || fault == nil {
		return err
	}
	weights := make([]uint16, gu.unit.Elements)
	if err := g.decodeAgain(ctx, gu, fault, gu.unit.whole().part(0, len(weights)), weights); err != nil {
		return err
	}
	if err := slot.Replace(ctx, gu.layout, wordBytes(weights)); err != nil {
		return gu.unit.wrap(err)
	}
	return nil
}

// wordBytes is the memory of weights. GPUs and their hosts store the low byte first.
func wordBytes(words []uint16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 2*len(words))
}
