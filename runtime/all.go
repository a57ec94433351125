package runtime

import (
	"context"
	"sync"

	"github.com/seed54244801/bespoke/runtime/internal/cpu"
)

// DecodeAll decodes every unit and calls visit with each, one at a time and in the order of
// [Model.Units], while the next ones are decoded. The weights are only good during the call: their
// memory is used again. It holds the weights of about two of the largest unit in memory.
//
// DecodeAll ends with the first error, in the order of the units, of the units or of visit, and
// with the context's error when that ends. No goroutine outlives it. visit may call all methods of m; after
// Close, from there or elsewhere, DecodeAll ends with [ErrClosed].
func (m *Model) DecodeAll(ctx context.Context, visit func(u Unit, weights []uint16) error) error {
	return m.watched(ctx, func(ctx context.Context) error {
		if m.gpus != nil {
			return m.decodeAllOnGPUs(ctx, visit)
		}
		return m.decodeAllOnCPU(ctx, visit)
	})
}

// decodeAllOnCPU is DecodeAll without a GPU. Only while units are checked and decoded do others have to wait before they
// close the files.
func (m *Model) decodeAllOnCPU(ctx context.Context, visit func(u Unit, weights []uint16) error) error {
	ctx, cancel := context.WithCancel(ctx)
	feed := make(chan *cpu.Task, unitsAhead*m.workers) // room for all that is under way
	var workers sync.WaitGroup
	for range m.workers {
		workers.Go(func() {
			for t := range feed {
				if m.gate.enter() {
					t.Work(ctx)
					m.gate.leave()
				}
			}
		})
	}
	defer func() {
		cancel()
		close(feed)
		workers.Wait()
	}()

	memory := newBuffers(m.units)
	var ahead []unitAhead // under way, in the order of the units
	for next := 0; next < len(m.units) || len(ahead) > 0; {
		for next < len(m.units) && len(ahead) < unitsAhead {
			buf, ok := memory.get(m.units[next].Elements)
			if !ok {
				break
			}
			a := m.start(m.units[next], buf)
			if a.err == nil {
				for range min(m.workers, a.task.Pieces()) {
					feed <- a.task
				}
			}
			ahead = append(ahead, a)
			next++
		}
		a := ahead[0]
		ahead = ahead[1:]
		if a.err != nil {
			return a.err
		}
		select {
		case <-a.task.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := a.task.Err(); err != nil {
			return err
		}
		if err := visit(a.unit.public(), a.weights); err != nil {
			return err
		}
		if err := m.ended(ctx); err != nil {
			return err
		}
		memory.put(a.weights)
	}
	return ctx.Err()
}

// unitsAhead bounds the units under way in DecodeAll, so that many small ones keep all workers
// busy.
const unitsAhead = 32

// A unitAhead is a unit under way, or the error of one that cannot be decoded.
type unitAhead struct {
	unit    *unit
	weights []uint16
	task    *cpu.Task
	err     error
}

// start begins to decode a unit.
func (m *Model) start(u *unit, dst []uint16) unitAhead {
	a := unitAhead{unit: u, weights: dst}
	a.err = m.inside(func() (err error) {
		a.task, err = u.cpu.Task(m.workers, dst, m.check(u.coded.Whole(), dst))
		return err
	})
	return a
}
