package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// DecodeAll is [Model.DecodeUnits] for every unit, in the order of [Model.Units], with the default bound.
func (m *Model) DecodeAll(ctx context.Context, visit func(u Unit, weights []uint16) error) error {
	return m.DecodeUnits(ctx, m.names(), 0, visit)
}

// names yields the names of the units in their order.
func (m *Model) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, u := range m.units {
			if !yield(u.Name) {
				return
			}
		}
	}
}

// DecodeUnits decodes the units that names yields. It calls visit with each of them, one at a time and in that
// order, and decodes the next ones meanwhile. The weights are valid only during the call of visit, because their
// memory is used again.
//
// names may yield a name several times, and need not end. For example, a program that needs all layers of a model
// for each token yields them over and over. The first layers are then decoded while it works on the last ones.
//
// The memory for weights holds the unit that visit works on, and the units that are decoded ahead. It has at most
// bound bytes, unless a single unit is larger. If the bound has no room for a second unit, no unit is decoded
// ahead. A bound of 0 stands for twice the largest unit and 8 MiB more. With GPUs it stands for the largest unit,
// times the number of their buffers plus one.
//
// DecodeUnits ends with the first error of a unit or of visit, in the order of the units. An unknown name is an
// error of its unit. If ctx ends, DecodeUnits ends with the error of ctx. No goroutine goes on after the call.
// DecodeUnits asks for names some time before it visits their units, but never while visit runs. visit may call all
// methods of m. After a Close, DecodeUnits ends with [ErrClosed].
func (m *Model) DecodeUnits(ctx context.Context, names iter.Seq[string], bound int64, visit func(u Unit, weights []uint16) error) error {
	return m.watched(ctx, func(ctx context.Context) error {
		switch {
		case names == nil || visit == nil:
			return m.wrap(errors.New("names and visit must not be nil"))
		case bound < 0:
			return m.wrap(fmt.Errorf("a bound of %d bytes, want 0 or more", bound))
		case bound == 0:
			bound = m.defaultBound()
		}
		w := walk{model: m, names: names, memory: buffers{limit: bound / 2}, visit: visit}
		if m.gpus != nil {
			return w.onGPUs(ctx)
		}
		return w.onCPU(ctx)
	})
}

// smallBuffers is the memory for small units besides the largest ones, in bytes.
const smallBuffers = 8 << 20

// defaultBound is the bound that 0 stands for in DecodeUnits.
func (m *Model) defaultBound() int64 {
	largest := 0
	for _, u := range m.units {
		largest = max(largest, u.Elements)
	}
	if m.gpus != nil {
		return 2 * int64(m.gpus.Slots()+1) * int64(largest)
	}
	return 2*2*int64(largest) + smallBuffers
}

// A walk is a call of DecodeUnits.
type walk struct {
	model  *Model
	names  iter.Seq[string]
	memory buffers
	visit  func(u Unit, weights []uint16) error
}

// A unitAhead is a unit that is being decoded.
type unitAhead struct {
	unit    *unit
	weights []uint16
	done    <-chan struct{} // closed when the unit is decoded, or failed
	err     func() error    // the error of the unit; called after done is closed
}

// failed returns a unit that cannot be decoded.
func failed(err error) unitAhead {
	done := make(chan struct{})
	close(done)
	return unitAhead{done: done, err: func() error { return err }}
}

// run visits the units. It calls start to begin decoding them ahead: as many as there is memory for, but at most a
// number of them at once.
func (w *walk) run(ctx context.Context, most int, start func(u *unit, dst []uint16) unitAhead) error {
	var ahead []unitAhead // in the order of the names
	first := func() error {
		a := ahead[0]
		ahead = ahead[1:]
		return w.finish(ctx, a)
	}
	for name := range w.names {
		if len(ahead) == most {
			if err := first(); err != nil {
				return err
			}
		}
		u := w.model.byName[name]
		if u == nil {
			ahead = append(ahead, failed(w.model.wrap(fmt.Errorf("no unit %q", name))))
			continue
		}
		dst, ok := w.memory.get(u.Elements)
		for !ok {
			if err := first(); err != nil {
				return err
			}
			dst, ok = w.memory.get(u.Elements)
		}
		ahead = append(ahead, start(u, dst))
	}
	for len(ahead) > 0 {
		if err := first(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// finish waits for a unit, visits it, and takes its memory back.
func (w *walk) finish(ctx context.Context, a unitAhead) error {
	select {
	case <-a.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := a.err(); err != nil {
		return err
	}
	if err := w.model.ended(ctx); err != nil {
		return err
	}
	if err := w.visit(a.unit.public(), a.weights); err != nil {
		return err
	}
	if err := w.model.ended(ctx); err != nil {
		return err
	}
	w.memory.put(a.weights)
	return nil
}

// unitsAhead bounds the units that are decoded at once on the CPU. It is large enough for many small units to keep
// all workers busy.
const unitsAhead = 32

// workers runs what use feeds to a number of goroutines, until use returns. The context of use ends then, and all
// goroutines with it. The feed has room for a number of functions that no goroutine has taken yet.
func workers(ctx context.Context, n, room int, use func(ctx context.Context, feed chan<- func()) error) error {
	ctx, cancel := context.WithCancel(ctx)
	feed := make(chan func(), room)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for work := range feed {
				work()
			}
		})
	}
	defer func() {
		cancel()
		close(feed)
		all.Wait()
	}()
	return use(ctx, feed)
}

// onCPU decodes on the CPU. All workers take pieces of the first unit, then of the next one. Close waits for a
// worker only while it decodes, and for run only while a unit is checked.
func (w *walk) onCPU(ctx context.Context) error {
	m := w.model
	return workers(ctx, m.workers, unitsAhead*m.workers, func(ctx context.Context, feed chan<- func()) error {
		return w.run(ctx, unitsAhead, func(u *unit, dst []uint16) unitAhead {
			var t *coded.Task
			err := m.inside(func() (err error) {
				t, err = u.cpu.Task(m.workers, dst, m.check(u.coded.Whole(), dst))
				return err
			})
			if err != nil {
				return failed(err)
			}
			work := func() {
				if m.gate.enter() {
					t.Work(ctx)
					m.gate.leave()
				}
			}
			for range min(m.workers, t.Pieces()) {
				feed <- work
			}
			return unitAhead{u, dst, t.Done(), t.Err}
		})
	})
}

// onGPUs decodes on GPUs, one unit at a time for each of their buffers.
func (w *walk) onGPUs(ctx context.Context) error {
	m, slots := w.model, w.model.gpus.Slots()
	return workers(ctx, slots, slots+1, func(ctx context.Context, feed chan<- func()) error {
		return w.run(ctx, slots+1, func(u *unit, dst []uint16) unitAhead {
			var err error
			done := make(chan struct{})
			feed <- func() {
				err = m.inside(func() error { return m.decode(ctx, u.coded.Whole(), dst) })
				close(done)
			}
			return unitAhead{u, dst, done, func() error { return err }}
		})
	})
}
