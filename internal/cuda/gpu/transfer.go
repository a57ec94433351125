//go:build cuda

package gpu

import (
	"context"
	"encoding/binary"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/fault"
)

// Upload copies a unit to device memory through pinned memory, and returns when all is queued. All work that
// the slot queues later comes after it. A tensor that cannot be read is an error of package fault.
func (s *Slot) Upload(ctx context.Context, u Unit, to *Memory) error {
	l := u.Memory()
	for i, tensor := range u.contents(uint64(to.Address)) {
		if err := s.copy(ctx, l.Name, to.Address+cu.DevicePtr(l.offsets[i]), tensor); err != nil {
			return err
		}
	}
	return nil
}

// Replace overwrites the weights in the buffer, and records the event [Slot.Ready] again.
func (s *Slot) Replace(ctx context.Context, u Unit, weights []byte) error {
	if err := s.copy(ctx, u.Memory().Name, s.Weights.Address, weights); err != nil {
		return err
	}
	return s.Device.do("record an event", func() error { return s.ready.Record(s.stream) })
}

// copy copies what belongs to a unit to device memory, through pinned memory.
func (s *Slot) copy(ctx context.Context, name string, to cu.DevicePtr, data []byte) error {
	for len(data) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		st, err := s.stage(fmt.Sprintf("wait for an upload of unit %q", name))
		if err != nil {
			return err
		}
		n := 0
		if err := fault.Guard(func() error { n = copy(st.bytes, data); return nil }); err != nil {
			return err
		}
		err = s.queue(st, fmt.Sprintf("upload %d bytes of unit %q", n, name), func() error {
			return cu.MemcpyHtoDAsync(to, pointer(st.bytes), int64(n), s.stream)
		})
		if err != nil {
			return err
		}
		data, to = data[n:], to+cu.DevicePtr(n)
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

// Download copies bytes [from, to) of the buffer to the host, piece by piece: visit is called with each, in
// order, while the next one is on its way.
func (s *Slot) Download(ctx context.Context, u Unit, from, to int64, visit func(piece []byte)) error {
	name := u.Memory().Name
	doing := fmt.Sprintf("download weights of unit %q", name)
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
			err = s.queue(st, fmt.Sprintf("download %d bytes of unit %q", n, name), func() error {
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

// Fault waits for the last decoding or product and returns what its kernels found wrong with the unit: nil for nothing, and
// for kernels that do not report.
func (s *Slot) Fault(u Unit) (fault, err error) {
	if s.read == nil {
		return nil, nil
	}
	if err := s.resume(); err != nil {
		return nil, err
	}
	st, err := s.stage("wait for a copy")
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("read the error word of unit %q", u.Memory().Name)
	err = s.queue(st, doing, func() error { return cu.MemcpyDtoHAsync(pointer(st.bytes), s.word.Address, 8, s.stream) })
	if err != nil {
		return nil, err
	}
	if err := st.wait(s.Device, doing); err != nil {
		return nil, err
	}
	return s.read(binary.LittleEndian.Uint64(st.bytes)), nil
}

// pointer is the address of pinned memory, which Go's memory management does not know.
func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(&b[0]) }
