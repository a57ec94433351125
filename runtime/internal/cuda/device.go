//go:build cuda

package cuda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// deviceSlots is the number of buffers for weights on each device: a program computes with one while the other is
// decoded into.
const deviceSlots = 2

// A unit is a coded unit and the device that decodes it.
type unit struct {
	*coded.Unit
	layout  gpu.Unit // of the tensors that kernels read
	bytes   int64    // of these tensors
	weights int64    // the bytes of its weights

	device *device

	// Guarded by device.mu.
	keep     bool        // its tensors are to be in device memory
	resident *gpu.Memory // its tensors, or nil if they are in host memory
	checked  bool        // it was decoded before, without a fault
}

// A device is a GPU as one model uses it.
type device struct {
	*gpu.Device
	program *program
	module  *gpu.Module
	kernels gpu.Kernels // the entries of the program
	say     func(message string)
	splits  func(ctx context.Context, u *coded.Unit, steps int) ([]*rans.Splits, error)
	budget  int64 // the bytes that may be used

	// The plan for units, made when the model is opened.
	room    int64 // the bytes for compressed units
	kept    int64 // the bytes of the units that are to be resident
	largest int64 // the bytes of the weights of the largest unit

	idle chan *gpu.Slot

	// mu is held while device memory is allocated and work is queued. It is not held while waiting for work that a
	// consumer has to finish first.
	mu       sync.Mutex
	slots    []*gpu.Slot
	parts    *gpu.Parts // for products with rANS, else nil
	resident []*unit
	broken   error // the error after which the context cannot be used
}

// newDevice opens a GPU and loads the program.
func newDevice(info gpu.Info, g *gpus) (_ *device, err error) {
	opened, err := gpu.Open(info)
	if err != nil {
		return nil, err
	}
	d := &device{Device: opened, program: g.program, idle: make(chan *gpu.Slot, deviceSlots), say: g.say, splits: g.config.Splits}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.module, d.kernels, err = d.program.load(opened); err != nil {
		return nil, err
	}
	if len(d.program.rans) > 0 {
		if d.parts, err = opened.NewParts(); err != nil {
			return nil, err
		}
	}
	free, err := opened.Free()
	if err != nil {
		return nil, err
	}
	d.budget = free - free/20
	if limit := g.config.Memory; limit > 0 {
		d.budget = min(d.budget, limit)
	}
	for range deviceSlots {
		slot, err := opened.NewSlot()
		if gpu.IsOutOfMemory(err) && len(d.slots) > 0 {
			d.say(fmt.Sprintf("cuda: %v: one unit at a time", err))
			break
		}
		if err != nil {
			return nil, err
		}
		d.slots = append(d.slots, slot)
		d.idle <- slot
	}
	return d, nil
}

// close releases all memory that the model has on the device. The memory of a broken context is lost with it, so
// errors of the driver do not matter then.
func (d *device) close() error {
	var errs []error
	for _, s := range d.slots {
		errs = append(errs, s.Close())
	}
	for _, u := range d.resident {
		errs = append(errs, u.resident.Free())
	}
	errs = append(errs, d.parts.Close(d.Device), d.Device.Close())
	if d.broken != nil {
		return nil
	}
	return errors.Join(errs...)
}

// take waits for a slot. The caller must give it back with give.
func (d *device) take(ctx context.Context) (*gpu.Slot, error) {
	select {
	case slot := <-d.idle:
		return slot, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give takes a slot back.
func (d *device) give(slot *gpu.Slot) { d.idle <- slot }

// decode queues the decoding of a unit. The caller must give the slot back with give.
func (d *device) decode(ctx context.Context, u *unit) (*gpu.Slot, error) {
	slot, err := d.take(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.queue(ctx, slot, u); err != nil {
		d.give(slot)
		return nil, err
	}
	return slot, nil
}

// queue provides memory and queues the decoding.
func (d *device) queue(ctx context.Context, slot *gpu.Slot, u *unit) error {
	if err := d.bring(ctx, slot, u, max(1, d.largest), max(1, u.weights)); err != nil {
		return err
	}
	return slot.Decode(ctx, d.kernels, u.layout, u.resident)
}

// bring provides the slot with a buffer for the given bytes of weights, or for the least if memory is short. It
// makes the unit resident if it is to be. For a unit that stays in host memory, it also provides a buffer for the
// tensors.
//
// The buffer for weights comes first. Without it nothing can be decoded. A compressed unit without room is only
// uploaded each time.
func (d *device) bring(ctx context.Context, slot *gpu.Slot, u *unit, weights, least int64) error {
	if d.broken != nil {
		return d.broken
	}
	if err := d.reserve(slot, u, weights, least, 0); err != nil {
		return err
	}
	if u.resident != nil {
		return nil
	}
	if err := d.complete(ctx, u); err != nil {
		return err
	}
	if u.keep {
		if err := d.upload(ctx, slot, u); err != nil || u.resident != nil {
			return err
		}
	}
	return d.reserve(slot, u, weights, least, u.bytes)
}

// complete computes the splits of a unit coded with rANS, if it does not have them.
func (d *device) complete(ctx context.Context, u *unit) error {
	l, ok := u.layout.(*gpu.RansLayout)
	if !ok || l.Complete() {
		return nil
	}
	splits, err := d.splits(ctx, u.Unit, l.Steps())
	if err != nil {
		return err
	}
	return l.SetSplits(splits)
}

// upload makes a unit resident. If device memory is short, the unit stays in host memory from then on.
func (d *device) upload(ctx context.Context, slot *gpu.Slot, u *unit) error {
	memory, err := d.Alloc(u.bytes, fmt.Sprintf("compressed unit %q", u.Name))
	if gpu.IsOutOfMemory(err) {
		u.keep = false
		d.say(fmt.Sprintf("cuda: %v: it stays in host memory", err))
		return nil
	}
	if err != nil {
		return err
	}
	if err = slot.Upload(ctx, u.layout, memory); err == nil {
		err = slot.Wait(fmt.Sprintf("upload unit %q", u.Name))
	}
	if err != nil {
		return errors.Join(err, memory.Free())
	}
	u.resident = memory
	d.resident = append(d.resident, u)
	if l, ok := u.layout.(*gpu.RansLayout); ok {
		l.DropSplits()
	}
	return nil
}

// reserve provides the slot with buffers for the given bytes of weights and of a unit's tensors. If memory is
// short, it frees other resident units, then the other slot, and then settles for the least bytes of weights.
func (d *device) reserve(slot *gpu.Slot, u *unit, weights, least, tensors int64) error {
	err := slot.Reserve(weights, tensors)
	if gpu.IsOutOfMemory(err) && len(d.resident) > 0 {
		d.say(fmt.Sprintf("cuda: %v: compressed units go back to host memory", err))
		if evictErr := d.evict(u); evictErr != nil {
			return evictErr
		}
		err = slot.Reserve(weights, tensors)
	}
	if gpu.IsOutOfMemory(err) {
		select {
		case other := <-d.idle:
			d.say(fmt.Sprintf("cuda: %v: one unit at a time", err))
			d.slots = slices.DeleteFunc(d.slots, func(s *gpu.Slot) bool { return s == other })
			if closeErr := other.Close(); closeErr != nil {
				return closeErr
			}
			err = slot.Reserve(weights, tensors)
		default:
		}
	}
	if gpu.IsOutOfMemory(err) && least < weights {
		err = slot.Reserve(least, tensors)
	}
	return err
}

// evict frees the tensors of all resident units but one. From then on they are uploaded for each decoding. Freeing
// waits until they are not used any more.
func (d *device) evict(but *unit) error {
	var left []*unit
	for _, u := range d.resident {
		if u == but {
			left = append(left, u)
			continue
		}
		memory := u.resident
		u.resident, u.keep = nil, false
		if err := memory.Free(); err != nil {
			return err
		}
	}
	d.resident = left
	return nil
}
