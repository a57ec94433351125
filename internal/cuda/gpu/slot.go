//go:build cuda

package gpu

import (
	"context"
	"errors"
	"fmt"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// A Slot decodes one unit at a time into its buffer, or multiplies with one. Its methods are not for several
// goroutines at once.
type Slot struct {
	Device *Device
	// Weights is the buffer, nil before the first [Slot.Reserve].
	Weights *Memory

	compressed *Memory                 // for a unit that is not resident
	described  *Memory                 // what kernels are told of the tensors of a unit
	word       *Memory                 // the error word, for kernels that have one
	read       func(word uint64) error // says what the last kernel with an error word found, nil for others
	stream     cu.Stream
	stages     [2]*stage
	next       int // the stage to use next
	ready      cu.Event
	free       cu.Event
	handed     bool // free was recorded by a consumer, and nobody has waited for it
}

// NewSlot returns a slot without buffers.
func (d *Device) NewSlot() (_ *Slot, err error) {
	s := &Slot{Device: d}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	err = d.do("create a stream", func() (err error) {
		s.stream, err = cu.MakeStream(cu.NonBlocking)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.ready, err = d.newEvent(); err != nil {
		return nil, err
	}
	if s.free, err = d.newEvent(); err != nil {
		return nil, err
	}
	for i := range s.stages {
		if s.stages[i], err = d.newStage(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close waits for the slot's work and releases what it has.
func (s *Slot) Close() error {
	d := s.Device
	var errs []error
	if s.stream != (cu.Stream{}) {
		errs = append(errs, d.do("wait for a stream", s.stream.Synchronize), d.do("destroy a stream", s.stream.Destroy))
	}
	errs = append(errs, s.Weights.Free(), s.compressed.Free(), s.described.Free(), s.word.Free())
	for _, e := range []*cu.Event{&s.ready, &s.free} {
		if *e != (cu.Event{}) {
			errs = append(errs, d.do("destroy an event", func() error { return cu.DestroyEvent(e) }))
		}
	}
	for _, st := range s.stages {
		if st != nil {
			errs = append(errs, st.close(d)...)
		}
	}
	*s = Slot{Device: d}
	return errors.Join(errs...)
}

// Reserve sees to buffers for n bytes of weights and for a compressed unit of m bytes, 0 for none.
func (s *Slot) Reserve(n, m int64) error {
	if err := s.grow(&s.Weights, n, "weights"); err != nil {
		return err
	}
	return s.grow(&s.compressed, m, "a compressed unit")
}

func (s *Slot) grow(m **Memory, n int64, what string) error { return s.Device.grow(m, n, what) }

// grow sees to memory of n bytes at least; for 0, any or none will do.
func (d *Device) grow(m **Memory, n int64, what string) error {
	if *m != nil && (*m).Size >= n || n == 0 {
		return nil
	}
	err := (*m).Free()
	*m = nil
	if err != nil {
		return err
	}
	*m, err = d.Alloc(n, what)
	return err
}

// Wait waits for all that the slot has queued.
func (s *Slot) Wait(doing string) error { return s.Device.do(doing, s.stream.Synchronize) }

// Decode queues the decoding of a unit into the buffer, and the event [Slot.Ready] behind it. The unit lies in
// device memory, or is uploaded first where resident is nil. The buffers are large enough: see
// [Slot.Reserve].
func (s *Slot) Decode(ctx context.Context, kernels Kernels, u Unit, resident *Memory) error {
	s.read = nil
	at, err := s.bring(ctx, u, resident)
	if err != nil {
		return err
	}
	if err := u.decode(ctx, s, kernels, uint64(at.Address)); err != nil {
		return err
	}
	return s.Device.do("record an event", func() error { return s.ready.Record(s.stream) })
}

// bring lets the slot wait for its last consumer, and uploads a unit that is not resident. It returns where the unit
// lies.
func (s *Slot) bring(ctx context.Context, u Unit, resident *Memory) (*Memory, error) {
	if err := s.resume(); err != nil || resident != nil {
		return resident, err
	}
	return s.compressed, s.Upload(ctx, u, s.compressed)
}

// resume lets what the slot queues from here on wait for what its last consumer has queued.
func (s *Slot) resume() error {
	if !s.handed {
		return nil
	}
	s.handed = false
	return s.Device.do("wait for the last consumer of a slot", func() error { return s.stream.Wait(s.free, 0) })
}

// clearWord clears the error word for the unit of a name. The function read is what reads it later.
func (s *Slot) clearWord(name string, read func(word uint64) error) error {
	s.read = read
	if err := s.grow(&s.word, 8, "an error word"); err != nil {
		return err
	}
	return s.Device.do(fmt.Sprintf("clear the error word for unit %q", name), func() error {
		return cu.MemsetD32Async(s.word.Address, 0, 2, s.stream)
	})
}

// Stream is the handle of the slot's stream, a CUstream.
func (s *Slot) Stream() uintptr { return driver.Handle(s.stream) }

// Ready is the handle of the event behind the decoding, a CUevent.
func (s *Slot) Ready() uintptr { return driver.Handle(s.ready) }

// FreeBehind lets the next work of the slot wait for what is queued so far on another stream of the
// device, given by its handle, a CUstream.
func (s *Slot) FreeBehind(stream uintptr) error {
	s.handed = true
	return s.Device.do("record an event on the stream of the consumer", func() error { return s.free.Record(driver.Stream(stream)) })
}
