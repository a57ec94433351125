//go:build cuda

package gpu

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// A Memory is memory of a device.
type Memory struct {
	device  *Device
	Address cu.DevicePtr
	Size    int64
}

// Alloc returns n bytes of device memory, 1 or more, aligned to 256 bytes; what for goes into the error.
func (d *Device) Alloc(n int64, what string) (*Memory, error) {
	m := &Memory{device: d, Size: n}
	err := d.do(fmt.Sprintf("allocate %d bytes for %s", n, what), func() (err error) {
		m.Address, err = cu.MemAlloc(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Free releases the memory once all work that was queued before is done. A nil Memory is fine.
func (m *Memory) Free() error {
	if m == nil {
		return nil
	}
	return m.device.do(fmt.Sprintf("free %d bytes", m.Size), func() error { return cu.MemFree(m.Address) })
}

// stageBytes is the pinned memory of one stage.
const stageBytes = 4 << 20

// A stage is a piece of pinned memory and the event behind the last copy from or to it.
type stage struct {
	bytes []byte
	done  cu.Event
	busy  bool // a copy was queued that nobody has waited for
}

func (d *Device) newStage() (*stage, error) {
	s := &stage{}
	err := d.do(fmt.Sprintf("allocate %d bytes of pinned memory", stageBytes), func() (err error) {
		s.bytes, err = driver.AllocPinned(stageBytes)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.done, err = d.newEvent(); err != nil {
		_ = d.do("free pinned memory", func() error { return cu.MemFreeHost(unsafe.Pointer(&s.bytes[0])) })
		return nil, err
	}
	return s, nil
}

func (d *Device) newEvent() (e cu.Event, err error) {
	err = d.do("create an event", func() (err error) {
		e, err = cu.MakeEvent(cu.DisableTiming)
		return err
	})
	return e, err
}

// wait waits for the last copy.
func (s *stage) wait(d *Device, doing string) error {
	if !s.busy {
		return nil
	}
	s.busy = false
	return d.do(doing, s.done.Synchronize)
}

func (s *stage) close(d *Device) []error {
	return []error{
		d.do("destroy an event", func() error { return cu.DestroyEvent(&s.done) }),
		d.do("free pinned memory", func() error { return cu.MemFreeHost(unsafe.Pointer(&s.bytes[0])) }),
	}
}
