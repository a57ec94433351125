//go:build cuda

package cuda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// deviceSlots is the number of buffers for weights on each device: one to compute with, one to decode
// into.
const deviceSlots = 2

// A unit is a coded unit and where it is decoded.
type unit struct {
	*coded.Unit
	entry   *launch.Launch // decodes it
	layout  *gpu.Layout    // of the tensors that the entry reads
	weights int64          // bytes of its weights

	device *device

	// Guarded by device.mu.
	keep     bool        // its tensors belong in device memory
	resident *gpu.Memory // its tensors
	checked  bool        // it was decoded before, and nothing was wrong
}

// A device is a GPU as one model uses it.
type device struct {
	*gpu.Device
	program *program
	module  *gpu.Module
	kernels map[*launch.Launch]*gpu.Kernel // the entries of the program
	say     func(message string)
	budget  int64 // bytes to use

	// Where units go, settled when the model is opened.
	room    int64 // bytes for compressed units
	kept    int64 // bytes of the units that are to be resident
	largest int64 // bytes of the weights of the largest unit

	idle chan *gpu.Slot

	// mu is held while device memory is dealt out and work is queued, never while work is waited for
	// that a consumer has to finish first.
	mu       sync.Mutex
	slots    []*gpu.Slot
	resident []*unit
	broken   error // the context is of no more use
}

// newDevice opens a GPU and loads the program.
func newDevice(info gpu.Info, g *gpus) (_ *device, err error) {
	opened, err := gpu.Open(info)
	if err != nil {
		return nil, err
	}
	d := &device{Device: opened, program: g.program, idle: make(chan *gpu.Slot, deviceSlots), say: g.say}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.module, d.kernels, err = d.program.load(opened); err != nil {
		return nil, err
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

// close releases all that the model has on the device. A broken context takes everything with it, so that
// what the driver says then is of no interest.
func (d *device) close() error {
	var errs []error
	for _, s := range d.slots {
		errs = append(errs, s.Close())
	}
	for _, u := range d.resident {
		errs = append(errs, u.resident.Free())
	}
	errs = append(errs, d.Device.Close())
	if d.broken != nil {
		return nil
	}
	return errors.Join(errs...)
}

// take waits for a slot, which goes back with give.
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

// decode queues the decoding of a unit. The slot that it returns goes back with give.
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

// queue sees to memory and queues the decoding.
func (d *device) queue(ctx context.Context, slot *gpu.Slot, u *unit) error {
	if err := d.bring(ctx, slot, u, max(1, d.largest), max(1, u.weights)); err != nil {
		return err
	}
	return slot.Decode(ctx, d.kernels[u.entry], u.layout, u.resident)
}

// bring makes a unit resident that is to be, and sees to the slot's buffers: for so many bytes of weights, or
// where memory is short for the least, and for the tensors of a unit that stays in host memory. Buffers for
// weights come first: without them nothing can be decoded, while a compressed unit that finds no room is
// uploaded each time.
func (d *device) bring(ctx context.Context, slot *gpu.Slot, u *unit, weights, least int64) error {
	if d.broken != nil {
		return d.broken
	}
	if err := d.reserve(slot, u, weights, least, 0); err != nil {
		return err
	}
	if u.keep && u.resident == nil {
		if err := d.upload(ctx, slot, u); err != nil {
			return err
		}
	}
	if u.resident != nil {
		return nil
	}
	return d.reserve(slot, u, weights, least, u.layout.Bytes)
}

// upload makes a unit resident, or gives that up for want of memory.
func (d *device) upload(ctx context.Context, slot *gpu.Slot, u *unit) error {
	memory, err := d.Alloc(u.layout.Bytes, fmt.Sprintf("compressed unit %q", u.Name))
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
	return nil
}

// reserve sees to buffers in the slot for so many bytes of weights and of a unit's tensors. Where memory is
// short, it does without other resident units, then without the other slot, then with the least for
// weights.
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

// evict frees the tensors of all resident units but one, which are uploaded for every decoding from then
// on. Freeing waits for what uses them.
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
