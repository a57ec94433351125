//go:build cuda

package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// A matrix is a part of a unit to multiply with.
type matrix struct {
	gpus                 *gpus
	unit                 *unit
	first, rows, columns int  // the number of its first element in the unit, and its shape
	checked              bool // it was multiplied before, without a fault; guarded by unit.device.mu
}

func (g *gpus) Matrix(u *coded.Unit, first, rows, columns int) (*Matrix, error) {
	if g.program.tiles == nil || g.program.product == nil {
		return nil, errors.New(g.program.name + " has no entry that multiplies")
	}
	w := &matrix{gpus: g, unit: g.units[u], first: first, rows: rows, columns: columns}
	d := w.unit.device
	return &Matrix{Device: d.Ordinal, Context: d.Context(), Multiply: w.multiply}, nil
}

func (w *matrix) multiply(ctx context.Context, x, y uintptr, batch int, stream uintptr) error {
	p := &gpu.Product{First: w.first, Rows: w.rows, Columns: w.columns, Batch: batch, X: x, Y: y}
	done, err := w.multiplyResident(p, stream)
	if err != nil {
		return w.unit.Wrap(err)
	}
	if done {
		return nil
	}
	d := w.unit.device
	slot, err := d.take(ctx)
	if err != nil {
		return w.unit.Wrap(err)
	}
	defer d.give(slot)
	if err := d.queueProduct(ctx, slot, w.unit, p, stream); err != nil {
		return w.unit.Wrap(err)
	}
	return w.settle(ctx, slot)
}

// multiplyResident queues a product if all that it needs is in device memory already. Otherwise it reports false.
func (w *matrix) multiplyResident(p *gpu.Product, stream uintptr) (done bool, err error) {
	u, d := w.unit, w.unit.device
	d.mu.Lock()
	defer d.mu.Unlock()
	if u.resident == nil || !w.checked && !u.checked || d.broken != nil {
		return false, nil
	}
	return true, d.Multiply(d.kernels[d.program.product], u.layout, u.resident, p, nil, stream)
}

// queueProduct provides memory and queues a product.
func (d *device) queueProduct(ctx context.Context, slot *gpu.Slot, u *unit, p *gpu.Product, stream uintptr) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.bring(ctx, slot, u, 0, 0); err != nil {
		return err
	}
	return slot.Multiply(ctx, d.kernels[d.program.product], u.layout, u.resident, p, stream)
}

// settle checks the first product of the matrix. If the kernel found a fault, the CPU decodes the tiles to find the
// error.
func (w *matrix) settle(ctx context.Context, slot *gpu.Slot) error {
	const tile = codebook.TileElements
	u := w.unit
	fault, err := u.check(u.device.program.product, slot, &w.checked)
	if err != nil || fault == nil {
		return err
	}
	end := w.first + w.rows*w.columns
	from, to := w.first/tile*tile, min((end+tile-1)/tile*tile, u.Elements())
	if err := w.gpus.config.OnCPU(ctx, u.Whole().Part(from, to-from), make([]uint16, to-from)); err != nil {
		return err
	}
	return u.Wrap(fmt.Errorf("%w, and the CPU finds nothing wrong", fault))
}
