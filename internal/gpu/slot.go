//go:build cuda

package gpu

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/driver"
)

// A Slot decodes one unit at a time into its buffer. Its methods are not for several goroutines at
// once.
type Slot struct {
	Device *Device
	// Weights is the buffer, nil before the first [Slot.Reserve].
	Weights *Memory

	compressed *Memory // for units that are not resident
	word       *Memory // the error word, for kernels that have one
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
	errs = append(errs, s.Weights.Free(), s.compressed.Free(), s.word.Free())
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

func (s *Slot) grow(m **Memory, n int64, what string) error {
	if *m != nil && (*m).Size >= n || n == 0 {
		return nil
	}
	err := (*m).Free()
	*m = nil
	if err != nil {
		return err
	}
	*m, err = s.Device.Alloc(n, what)
	return err
}

// Upload copies a unit to device memory through pinned memory, and returns when all is queued. All work that
// the slot queues later comes after it.
func (s *Slot) Upload(ctx context.Context, l *Layout, to *Memory) error {
	for i, tensor := range l.tensors() {
		at := to.Address + cu.DevicePtr(l.offsets[i])
		for len(tensor) > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			st, err := s.stage(fmt.Sprintf("wait for an upload of unit %q", l.Name))
			if err != nil {
				return err
			}
			n := copy(st.bytes, tensor)
			err = s.queue(st, fmt.Sprintf("upload %d bytes of unit %q", n, l.Name), func() error {
				return cu.MemcpyHtoDAsync(at, pointer(st.bytes), int64(n), s.stream)
			})
			if err != nil {
				return err
			}
			tensor, at = tensor[n:], at+cu.DevicePtr(n)
		}
	}
	return nil
}

// stage returns the next stage, which is free then.
func (s *Slot) stage(doing string) (*stage, error) {
	st := s.stages[s.next]
	s.next = (s.next + 1) % len(s.stages)
	return st, st.wait(s.Device, doing)
}

// queue queues a copy from or to a stage, and the event behind it.
func (s *Slot) queue(st *stage, doing string, call func() error) error {
	if err := s.Device.do(doing, call); err != nil {
		return err
	}
	st.busy = true
	return s.Device.do("record an event", func() error { return st.done.Record(s.stream) })
}

// Wait waits for all that the slot has queued.
func (s *Slot) Wait(doing string) error { return s.Device.do(doing, s.stream.Synchronize) }

// Decode queues the decoding of a unit into the buffer, and the event [Slot.Ready] behind it. The unit lies in
// device memory, or is uploaded first where resident is nil. The buffers are large enough: see
// [Slot.Reserve].
func (s *Slot) Decode(ctx context.Context, m *Module, l *Layout, resident *Memory) error {
	d := s.Device
	if s.handed {
		s.handed = false
		if err := d.do("wait for the weights of the last unit to be used", func() error { return s.stream.Wait(s.free, 0) }); err != nil {
			return err
		}
	}
	if resident == nil {
		if err := s.Upload(ctx, l, s.compressed); err != nil {
			return err
		}
		resident = s.compressed
	}
	var word uint64
	if m.Launch.Reports {
		if err := s.clearWord(l); err != nil {
			return err
		}
		word = uint64(s.word.Address)
	}
	arguments := l.arguments(m.Launch, uint64(resident.Address), uint64(s.Weights.Address), word)
	if chunks := l.Stream.Chunks(); chunks > 0 {
		doing := fmt.Sprintf("decode unit %q, %d bytes into %d weights", l.Name, len(l.Stream.Encoded), l.Stream.Elements())
		if err := d.launch(m, doing, chunks, m.shared(l.Largest), s.stream, arguments); err != nil {
			return err
		}
	}
	return d.do("record an event", func() error { return s.ready.Record(s.stream) })
}

func (s *Slot) clearWord(l *Layout) error {
	if err := s.grow(&s.word, 8, "an error word"); err != nil {
		return err
	}
	return s.Device.do(fmt.Sprintf("clear the error word for unit %q", l.Name), func() error {
		return cu.MemsetD32Async(s.word.Address, 0, 2, s.stream)
	})
}

// Ready is the handle of the event behind the decoding, a CUevent.
func (s *Slot) Ready() uintptr { return driver.Handle(s.ready) }

// FreeBehind lets the next decoding wait for what is queued so far on another stream of the
// device, given by its handle, a CUstream.
func (s *Slot) FreeBehind(stream uintptr) error {
	s.handed = true
	return s.Device.do("record an event on the stream of the consumer", func() error { return s.free.Record(driver.Stream(stream)) })
}

// Download copies bytes [from, to) of the buffer to the host, piece by piece: visit is called with each, in
// order, while the next one is on its way.
func (s *Slot) Download(ctx context.Context, l *Layout, from, to int64, visit func(piece []byte)) error {
	doing := fmt.Sprintf("download weights of unit %q", l.Name)
	type underway struct {
		st *stage
		n  int64
	}
	var waiting []underway
	for from < to || len(waiting) > 0 {
		if err := ctx.Err(); err != nil {
			return err // the stages know that they are busy
		}
		for from < to && len(waiting) < len(s.stages) {
			n := min(stageBytes, to-from)
			st, err := s.stage(doing)
			if err != nil {
				return err
			}
			err = s.queue(st, fmt.Sprintf("download %d bytes of unit %q", n, l.Name), func() error {
				return cu.MemcpyDtoHAsync(pointer(st.bytes), s.Weights.Address+cu.DevicePtr(from), n, s.stream)
			})
			if err != nil {
				return err
			}
			waiting = append(waiting, underway{st, n})
			from += n
		}
		w := waiting[0]
		waiting = waiting[1:]
		if err := w.st.wait(s.Device, doing); err != nil {
			return err
		}
		visit(w.st.bytes[:w.n])
	}
	return nil
}

// ErrorWord waits for the decoding and returns its error word, 0 for none and for kernels without
// one.
func (s *Slot) ErrorWord(l *Layout) (word uint64, err error) {
	if s.word == nil {
		return 0, nil
	}
	st, err := s.stage("wait for a copy")
	if err != nil {
		return 0, err
	}
	doing := fmt.Sprintf("read the error word of unit %q", l.Name)
	err = s.queue(st, doing, func() error { return cu.MemcpyDtoHAsync(pointer(st.bytes), s.word.Address, 8, s.stream) })
	if err != nil {
		return 0, err
	}
	if err := st.wait(s.Device, doing); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(st.bytes), nil
}

// pointer is the address of pinned memory, which Go's memory management does not know.
func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(&b[0]) }
