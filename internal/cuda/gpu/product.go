//go:build cuda

package gpu

import (
	"context"
	"fmt"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// A Product is that of a part of a unit, a matrix, with vectors. With rANS, a matrix is a whole tensor, which is one that
// [launch.CheckRansProduct] accepts, unless it is empty.
type Product struct {
	First         int     // element of the unit with which the matrix starts
	Rows, Columns int     // of the matrix
	Batch         int     // vectors, 1 to launch.MostVectors
	X             uintptr // the vectors one after another, Batch × Columns bfloat16
	Y             uintptr // Batch × Rows float32
	Parts         *Parts  // for rANS only
}

// clear queues zeros for the result.
func (p *Product) clear(d *Device, unit string, stream cu.Stream) error {
	n := p.Batch * p.Rows
	if n == 0 {
		return nil
	}
	return d.do(fmt.Sprintf("clear %d numbers for a product with unit %q", n, unit), func() error {
		return cu.MemsetD32Async(cu.DevicePtr(p.Y), 0, int64(n), stream)
	})
}

// doing says what the product does.
func (p *Product) doing(unit string) string {
	return fmt.Sprintf("multiply %d × %d weights of unit %q with %d vectors", p.Rows, p.Columns, unit, p.Batch)
}

// Multiply queues a product with a unit in device memory on a stream of the device, given by its handle: y is
// set to it. Nobody is told of what is wrong with the unit.
func (d *Device) Multiply(kernels Kernels, u Unit, at *Memory, p *Product, stream uintptr) error {
	return u.multiply(d, kernels, uint64(at.Address), p, 0, driver.Stream(stream))
}

// Multiply is [Device.Multiply] for a unit that is uploaded first where resident is nil. [Slot.Fault] tells what is wrong
// with the unit. The next work of the slot waits for the product.
func (s *Slot) Multiply(ctx context.Context, kernels Kernels, u Unit, resident *Memory, p *Product, stream uintptr) error {
	d := s.Device
	at, err := s.bring(ctx, u, resident)
	if err != nil {
		return err
	}
	name := u.Memory().Name
	if err := s.clearWord(name, u.productFault); err != nil {
		return err
	}
	if err := d.do("record an event", func() error { return s.ready.Record(s.stream) }); err != nil {
		return err
	}
	on := driver.Stream(stream)
	err = d.do(fmt.Sprintf("let the stream of the consumer wait for unit %q", name), func() error { return on.Wait(s.ready, 0) })
	if err != nil {
		return err
	}
	if err := u.multiply(d, kernels, uint64(at.Address), p, uint64(s.word.Address), on); err != nil {
		return err
	}
	return s.FreeBehind(stream)
}
