//go:build cuda

package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
)

// A gpuMatrix is a part of a unit to multiply with.
type gpuMatrix struct {
	model                *Model
	unit                 *gpuUnit
	first, rows, columns int  // its first element in the unit, and its shape
	checked              bool // it was multiplied before, and nothing was wrong; guarded by unit.device.mu
}

func (g *gpus) matrix(u *unit, first, rows, columns int) (*DeviceMatrix, error) {
	if g.program.tiles == nil || g.program.product == nil {
		return nil, errors.New(g.program.name + " has no entry that multiplies")
	}
	w := &gpuMatrix{model: g.model, unit: g.units[u], first: first, rows: rows, columns: columns}
	d := w.unit.device
	return &DeviceMatrix{Rows: rows, Columns: columns, Device: d.Ordinal, Context: d.Context(), multiply: w.multiply}, nil
}

func (w *gpuMatrix) multiply(ctx context.Context, x, y uintptr, batch int, stream uintptr) error {
	p := &gpu.Product{First: w.first, Rows: w.rows, Columns: w.columns, Batch: batch, X: x, Y: y}
	done, err := w.multiplyResident(p, stream)
	if err != nil {
		return w.unit.unit.wrap(err)
	}
	if done {
		return nil
	}
	d := w.unit.device
	slot, err := d.take(ctx)
	if err != nil {
		return w.unit.unit.wrap(err)
	}
	defer d.give(slot)
	if err := d.queueProduct(ctx, slot, w.unit, p, stream); err != nil {
		return w.unit.unit.wrap(err)
	}
	return w.settle(ctx, slot)
}

// multiplyResident queues a product that takes nothing but what is in device memory already, and reports whether it is
// one.
func (w *gpuMatrix) multiplyResident(p *gpu.Product, stream uintptr) (done bool, err error) {
	gu, d := w.unit, w.unit.device
	d.mu.Lock()
	defer d.mu.Unlock()
	if gu.resident == nil || !w.checked && !gu.checked || d.broken != nil {
		return false, nil
	}
	return true, d.Multiply(d.kernels[d.program.product], gu.layout, gu.resident, p, nil, stream)
}

// queueProduct sees to memory and queues a product.
func (d *gpuDevice) queueProduct(ctx context.Context, slot *gpu.Slot, gu *gpuUnit, p *gpu.Product, stream uintptr) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.bring(ctx, slot, gu, 0, 0); err != nil {
		return err
	}
	return slot.Multiply(ctx, d.kernels[d.program.product], gu.layout, gu.resident, p, stream)
}

// settle checks the first product of the matrix. What is wrong with its tiles the CPU says.
func (w *gpuMatrix) settle(ctx context.Context, slot *gpu.Slot) error {
	const tile = codebook.TileElements
	gu, u := w.unit, w.unit.unit
	fault, err := gu.check(gu.device.program.product, slot, &w.checked)
	if err != nil || fault == nil {
		return err
	}
	end := w.first + w.rows*w.columns
	from, to := w.first/tile*tile, min((end+tile-1)/tile*tile, u.Elements)
	if err := w.model.decodeOnCPU(ctx, u.whole().part(from, to-from), make([]uint16, to-from)); err != nil {
		return err
	}
	return u.wrap(fmt.Errorf("%w, and the CPU finds nothing wrong", fault))
}
