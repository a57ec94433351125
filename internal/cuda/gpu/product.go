//go:build cuda

package gpu

import (
	"context"
	"fmt"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// A Product is that of a part of a unit, a matrix, with vectors.
type Product struct {
	First         int     // element of the unit with which the matrix starts
	Rows, Columns int     // of the matrix
	Batch         int     // vectors, 1 to launch.MostVectors
	X             uintptr // the vectors one after another, Batch × Columns bfloat16
	Y             uintptr // Batch × Rows float32
}

// Multiply queues a product with a unit in device memory on a stream of the device, given by its handle: y is
// set to zeros, and the kernel adds to it. What is wrong with the unit goes to the error word, unless that is
// nil.
func (d *Device) Multiply(k *Kernel, l *Layout, at *Memory, p *Product, word *Memory, stream uintptr) error {
	on := driver.Stream(stream)
	if n := p.Batch * p.Rows; n > 0 {
		err := d.do(fmt.Sprintf("clear %d numbers for a product with unit %q", n, l.Name), func() error {
			return cu.MemsetD32Async(cu.DevicePtr(p.Y), 0, int64(n), on)
		})
		if err != nil {
			return err
		}
	}
	if p.Rows == 0 || p.Columns == 0 {
		return nil
	}
	var report uint64
	if word != nil {
		report = uint64(word.Address)
	}
	operands := []uint64{uint64(p.X), uint64(p.Y)}
	numbers := []uint64{uint64(p.First), uint64(p.Rows), uint64(p.Columns), uint64(p.Batch)}
	arguments := l.arguments(k.Launch, uint64(at.Address), operands, numbers, report)
	doing := fmt.Sprintf("multiply %d × %d weights of unit %q with %d vectors", p.Rows, p.Columns, l.Name, p.Batch)
	return d.launch(k, doing, k.Launch.ProductBlocks(p.First, p.Rows, p.Columns), 0, on, arguments)
}

// Multiply is [Device.Multiply] for a unit that is uploaded first where resident is nil, with the error word of
// the slot. The next work of the slot waits for the product.
func (s *Slot) Multiply(ctx context.Context, k *Kernel, l *Layout, resident *Memory, p *Product, stream uintptr) error {
	d := s.Device
	at, err := s.bring(ctx, l, resident)
	if err != nil {
		return err
	}
	if err := s.clearWord(l); err != nil {
		return err
	}
	if err := d.do("record an event", func() error { return s.ready.Record(s.stream) }); err != nil {
		return err
	}
	err = d.do(fmt.Sprintf("let the stream of the consumer wait for unit %q", l.Name), func() error {
		return driver.Stream(stream).Wait(s.ready, 0)
	})
	if err != nil {
		return err
	}
	if err := d.Multiply(k, l, at, p, s.word, stream); err != nil {
		return err
	}
	return s.FreeBehind(stream)
}
