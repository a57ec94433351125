//go:build cuda

package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/gpu"
)

// gpus is the accelerator of a model.
type gpus struct {
	model   *Model
	options *options
	devices []*gpuDevice
	units   map[*unit]*gpuUnit // those that the kernels can decode
	order   []*gpuUnit         // the same, as in the model

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
		return Choice{bestOnCPU(), joinReasons(g.notes...)}
	}
	return Choice{opened.Name, joinReasons(append([]string{opened.Reason}, g.notes...)...)}
}

// failure is the error that broke the context, nil while it works.
func (d *gpuDevice) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.broken
}

func (g *gpus) decodeRange(ctx context.Context, u *unit, from, to int, dst []uint16) (done bool, err error) {
	gu := g.units[u]
	if gu == nil {
		return false, nil
	}
	slot, err := gu.device.decode(ctx, gu)
	if err != nil {
		return g.trouble(ctx, gu, err)
	}
	sound, err := gu.read(ctx, slot, from, to, wordBytes(dst))
	gu.device.give(slot)
	if err != nil {
		return g.trouble(ctx, gu, err)
	}
	return sound, nil
}

// read copies elements [from, to) from the slot to dst. It reports whether the kernel found nothing wrong with the
// unit.
func (gu *gpuUnit) read(ctx context.Context, slot *gpu.Slot, from, to int, dst []byte) (sound bool, err error) {
	err = slot.Download(ctx, gu.layout(), 2*int64(from), 2*int64(to), func(piece []byte) {
		dst = dst[copy(dst, piece):]
	})
	if err != nil {
		return false, err
	}
	word, err := slot.ErrorWord(gu.layout())
	return word == 0, err
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
		g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s", gu.unit.Name, err, bestOnCPU()))
		return false, nil
	}
	first := gu.device.fail(err)
	if g.options.forced() {
		return true, gu.unit.wrap(err)
	}
	if first {
		g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s from here on", gu.unit.Name, err, bestOnCPU()))
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
		return nil, u.wrap(errors.New(withoutGaps))
	}
	d := gu.device
	slot, err := d.decode(ctx, gu)
	if err != nil {
		return nil, u.wrap(err)
	}
	if err := g.check(ctx, gu, slot); err != nil {
		d.give(slot)
		return nil, err
	}
	return &DeviceWeights{
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

// check looks at the weights of a unit that was not decoded before. What the kernel says of a stream is that something
// is wrong; what it is, the CPU says.
func (g *gpus) check(ctx context.Context, gu *gpuUnit, slot *gpu.Slot) error {
	gu.device.mu.Lock()
	checked := gu.checked
	gu.device.mu.Unlock()
	if checked {
		return nil
	}
	word, err := slot.ErrorWord(gu.layout())
	if err != nil {
		return gu.unit.wrap(err)
	}
	if word != 0 {
		if err := g.model.decodeOnCPU(ctx, gu.unit, 0, gu.unit.Elements, make([]uint16, gu.unit.Elements)); err != nil {
			return err
		}
		return gu.unit.wrap(fmt.Errorf("%v decodes it otherwise than the CPU", gu.device.Info))
	}
	gu.device.mu.Lock()
	gu.checked = true
	gu.device.mu.Unlock()
	return nil
}

// wordBytes is the memory of weights. GPUs and their hosts store the low byte first.
func wordBytes(words []uint16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 2*len(words))
}
