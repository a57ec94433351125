//go:build cuda

package cuda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// gpus are the GPUs of a model.
type gpus struct {
	config  *Config
	program *program
	devices []*device
	units   map[*coded.Unit]*unit // the units that the program decodes
	order   []*unit               // the same units, in the order of the model
	left    []*coded.Unit         // the other units

	mu    sync.Mutex
	notes []string // the deviations from the choice of Open
}

func (g *gpus) Close() error {
	var errs []error
	for _, d := range g.devices {
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}

// say notes a deviation from the plan. It passes each message on once.
func (g *gpus) say(message string) {
	g.mu.Lock()
	known := slices.Contains(g.notes, message)
	if !known {
		g.notes = append(g.notes, message)
	}
	g.mu.Unlock()
	if !known {
		g.config.Say(message)
	}
}

func (g *gpus) State() (working bool, notes []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	working = slices.ContainsFunc(g.devices, func(d *device) bool { return d.failure() == nil })
	return working, slices.Clone(g.notes)
}

func (g *gpus) Slots() int { return deviceSlots * len(g.devices) }

// failure is the error that broke the context, or nil while the context works.
func (d *device) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.broken
}

func (g *gpus) Decode(ctx context.Context, s coded.Span, dst []uint16, check *coded.Check) (done bool, err error) {
	u := g.units[s.Unit]
	if u == nil {
		return false, nil
	}
	slot, err := u.device.decode(ctx, u)
	if err != nil {
		return g.trouble(ctx, u, err)
	}
	fault, err := u.read(ctx, slot, s, dst, check)
	u.device.give(slot)
	if err != nil {
		return g.trouble(ctx, u, err)
	}
	if fault != nil {
		return true, g.decodeAgain(ctx, u, fault, s, dst)
	}
	return true, check.Err()
}

// read copies a span from the slot to dst, and reports it to the check. fault is the fault that the kernel found in
// the unit.
func (u *unit) read(ctx context.Context, slot *gpu.Slot, s coded.Span, dst []uint16, check *coded.Check) (fault, err error) {
	at, bytes := s.From, wordBytes(dst)
	err = slot.Download(ctx, u.layout, 2*int64(s.From), 2*int64(s.To), func(piece []byte) {
		n := copy(bytes, piece)
		bytes = bytes[n:]
		check.Decoded(at, at+n/2)
		at += n / 2
	})
	if err != nil {
		return nil, err
	}
	return u.fault(slot)
}

// fault waits for the last kernels of a slot and returns the fault that they found in the unit, or nil.
func (u *unit) fault(slot *gpu.Slot) (fault, err error) {
	if fault, err = slot.Fault(u.layout); fault != nil {
		fault = fmt.Errorf("%v, %w", u.device.Info, fault)
	}
	return fault, err
}

// decodeAgain decodes a span on the CPU, because a kernel found a fault in its unit. If the CPU finds an error,
// that is returned. Otherwise the weights of the CPU are right.
func (g *gpus) decodeAgain(ctx context.Context, u *unit, fault error, s coded.Span, dst []uint16) error {
	if err := g.config.OnCPU(ctx, s, dst); err != nil {
		return err
	}
	g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s", u.Name, fault, g.config.Fallback))
	return nil
}

// trouble decides what follows from an error of the driver. The CPU decodes instead if device memory is short, or
// if nobody asked for this decoder by name.
func (g *gpus) trouble(ctx context.Context, u *unit, err error) (done bool, _ error) {
	var fault *gpu.Error
	switch {
	case ctx.Err() != nil:
		return true, ctx.Err()
	case !errors.As(err, &fault):
		return true, u.Wrap(err)
	case gpu.IsOutOfMemory(err):
		g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s", u.Name, err, g.config.Fallback))
		return false, nil
	}
	first := u.device.fail(err)
	if g.config.Forced {
		return true, u.Wrap(err)
	}
	if first {
		g.say(fmt.Sprintf("cuda: unit %q: %v: decoded by %s from here on", u.Name, err, g.config.Fallback))
	}
	return false, nil
}

// fail notes that the context is broken, and reports whether that was not known before.
func (d *device) fail(err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return false
	}
	d.broken = err
	return true
}

func (g *gpus) ToDevice(ctx context.Context, of *coded.Unit) (*Weights, error) {
	u := g.units[of]
	if u == nil {
		return nil, of.Wrap(errors.New(g.program.lacks(of)))
	}
	d := u.device
	slot, err := d.decode(ctx, u)
	if err != nil {
		return nil, u.Wrap(err)
	}
	if err := g.settle(ctx, u, slot); err != nil {
		d.give(slot)
		return nil, err
	}
	return &Weights{
		Device:  d.Ordinal,
		Context: d.Context(),
		Pointer: uintptr(slot.Weights.Address),
		Ready:   slot.Ready(),
		Wait: func() error {
			if err := slot.Wait(fmt.Sprintf("decode unit %q", u.Name)); err != nil {
				return u.Wrap(err)
			}
			return nil
		},
		Release: func(stream uintptr) error {
			err := slot.FreeBehind(stream)
			d.give(slot)
			if err != nil {
				return u.Wrap(err)
			}
			return nil
		},
	}, nil
}

// check returns the fault that the last kernels of a slot found in a unit. It is nil if there is none, or if checked
// says that there was none before. The mutex of the unit's device guards checked.
func (u *unit) check(slot *gpu.Slot, checked *bool) (fault, err error) {
	d := u.device
	d.mu.Lock()
	known := *checked
	d.mu.Unlock()
	if known {
		return nil, nil
	}
	if fault, err = u.fault(slot); err != nil {
		return nil, u.Wrap(err)
	}
	d.mu.Lock()
	*checked = fault == nil
	d.mu.Unlock()
	return fault, nil
}

// settle checks the weights in a slot. If the kernel found a fault, it replaces them with the weights that the CPU
// decodes.
func (g *gpus) settle(ctx context.Context, u *unit, slot *gpu.Slot) error {
	fault, err := u.check(slot, &u.checked)
	if err != nil || fault == nil {
		return err
	}
	weights := make([]uint16, u.Elements())
	if err := g.decodeAgain(ctx, u, fault, u.Whole().Part(0, len(weights)), weights); err != nil {
		return err
	}
	if err := slot.Replace(ctx, u.layout, wordBytes(weights)); err != nil {
		return u.Wrap(err)
	}
	return nil
}

// wordBytes returns the memory of weights. GPUs and their hosts store the low byte first.
func wordBytes(words []uint16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 2*len(words))
}
