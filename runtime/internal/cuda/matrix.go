//go:build cuda

package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// A matrix is a part of a unit to multiply with.
type matrix struct {
	gpus          *gpus
	unit          *unit
	span          coded.Span
	rows, columns int
	checked       bool // it was multiplied before, without a fault; guarded by unit.device.mu
}

func (g *gpus) Matrix(s coded.Span, rows, columns int) (*Matrix, error) {
	w := &matrix{gpus: g, unit: g.units[s.Unit], span: s, rows: rows, columns: columns}
	switch {
	case s.Unit.RANS == nil && (g.program.tiles == nil || g.program.product == nil):
		return nil, errors.New(g.program.name + " has no entry that multiplies")
	case w.unit == nil:
		return nil, errors.New(g.program.lacks(s.Unit))
	case s.Unit.RANS != nil && s.Elements() > 0:
		if err := launch.CheckRansProduct(s.Unit.RANS[s.First], columns); err != nil {
			return nil, err
		}
	}
	d := w.unit.device
	return &Matrix{Device: d.Ordinal, Context: d.Context(), Multiply: w.multiply}, nil
}

func (w *matrix) multiply(ctx context.Context, x, y uintptr, batch int, stream uintptr) error {
	d := w.unit.device
	p := &gpu.Product{First: w.span.From, Rows: w.rows, Columns: w.columns, Batch: batch, X: x, Y: y, Parts: d.parts}
	done, err := w.multiplyResident(p, stream)
	if err != nil {
		return w.unit.Wrap(err)
	}
	if done {
		return nil
	}
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
	return true, d.Multiply(d.kernels, u.layout, u.resident, p, stream)
}

// queueProduct provides memory and queues a product.
func (d *device) queueProduct(ctx context.Context, slot *gpu.Slot, u *unit, p *gpu.Product, stream uintptr) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.bring(ctx, slot, u, 0, 0); err != nil {
		return err
	}
	return slot.Multiply(ctx, d.kernels, u.layout, u.resident, p, stream)
}

// settle checks the first product of the matrix. If the kernel found a fault, the CPU decodes what the kernel decoded,
// which are whole tiles with DF11, to find the error.
func (w *matrix) settle(ctx context.Context, slot *gpu.Slot) error {
	u := w.unit
	fault, err := u.check(slot, &w.checked)
	if err != nil || fault == nil {
		return err
	}
	from, to := w.span.From, w.span.To
	if u.RANS == nil {
		const tile = codebook.TileElements
		from, to = from/tile*tile, min((to+tile-1)/tile*tile, u.Elements())
	}
	if err := w.gpus.config.OnCPU(ctx, u.Whole().Part(from, to-from), make([]uint16, to-from)); err != nil {
		return err
	}
	return u.Wrap(fmt.Errorf("%w, and the CPU finds nothing wrong", fault))
}
