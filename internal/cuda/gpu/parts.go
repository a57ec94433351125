//go:build cuda

package gpu

import (
	"errors"

	"gorgonia.org/cu"
)

// Parts is device memory for products with units coded with rANS: the sums of rows that go through several splits of a
// tensor. Products that need it take turns, whatever streams they are on. Its methods are not for several goroutines at once.
type Parts struct {
	memory *Memory
	free   cu.Event // behind the last product, if there was one
	used   bool
}

// wordRoom is the room before the sums for an error word that nobody reads.
const wordRoom = 256

// NewParts returns parts without memory.
func (d *Device) NewParts() (*Parts, error) {
	free, err := d.newEvent()
	if err != nil {
		return nil, err
	}
	return &Parts{free: free}, nil
}

// Close frees the memory once all work that was queued before is done. Nil Parts are fine.
func (p *Parts) Close(d *Device) error {
	if p == nil {
		return nil
	}
	return errors.Join(p.memory.Free(), d.do("destroy an event", func() error { return cu.DestroyEvent(&p.free) }))
}

// take sees to memory for two sums of each split, and returns its address. If the sums are wanted, the stream waits for
// the last product that wanted any.
func (p *Parts) take(d *Device, splits int, wanted bool, stream cu.Stream) (sums uint64, err error) {
	n := int64(wordRoom)
	if wanted {
		n += 8 * int64(splits)
	}
	if err := d.grow(&p.memory, n, "sums of a product"); err != nil {
		return 0, err
	}
	if wanted && p.used {
		err = d.do("wait for the sums of the last product", func() error { return stream.Wait(p.free, 0) })
	}
	return uint64(p.memory.Address) + wordRoom, err
}

// word is the address of an error word that nobody reads.
func (p *Parts) word() uint64 { return uint64(p.memory.Address) }

// give lets others have the sums, if they were wanted, behind what is queued on the stream.
func (p *Parts) give(d *Device, wanted bool, stream cu.Stream) error {
	if !wanted {
		return nil
	}
	p.used = true
	return d.do("record an event", func() error { return p.free.Record(stream) })
}
