package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/seed54244801/bespoke/runtime/internal/cpu"
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

// DecodeUnits decodes the units that names yields and calls visit with each, one at a time and in that order. The next
// ones are decoded meanwhile. The weights are only good during the call of visit: their memory is used again.
//
// A name may come again, and names need not end. A program that goes through the layers of a model for each token
// yields them over and over; the first layers are then decoded while it works on the last.
//
// The weights in memory are those of the unit that visit has and those of the units decoded ahead. They take at most
// bound bytes; only a unit that is larger by itself takes more. If the bound has no room for a second unit, none is decoded
// ahead. A bound of 0 stands for twice the largest unit and 8 MiB more. With GPUs it stands for the largest unit once for
// each of their buffers, and once more.
//
// DecodeUnits ends with the first error, in the order of the units, of the units or of visit. It ends with the error of
// the context when that ends. An unknown name is an error in its turn. No goroutine outlives the call. Names are asked for
// some time before they are visited, never while visit runs. visit may call all methods of m; after Close, from there
// or elsewhere, DecodeUnits ends with [ErrClosed].
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

// smallBuffers is memory for many small units besides the large ones, in bytes.
const smallBuffers = 8 << 20

// defaultBound is that of DecodeUnits.
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

// A unitAhead is a unit under way.
type unitAhead struct {
	unit    *unit
	weights []uint16
	done    <-chan struct{} // closed when the unit is decoded, or cannot be
	err     func() error    // why it cannot be; called once it is done
}

// failed is a unit that cannot be decoded.
func failed(err error) unitAhead {
	done := make(chan struct{})
	close(done)
	return unitAhead{done: done, err: func() error { return err }}
}

// run visits the units. It has start begin to decode them ahead: as many as there is memory for, but no more than most at
// once.
func (w *walk) run(ctx context.Context, most int, start func(u *unit, dst []uint16) unitAhead) error {
	var ahead []unitAhead // in their order
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

// unitsAhead bounds the units under way on the CPU, so that many small ones keep all workers busy.
const unitsAhead = 32

// onCPU decodes on the CPU: all workers take pieces of the first unit, then of the next. Close has to wait for them only
// while units are checked and decoded.
func (w *walk) onCPU(ctx context.Context) error {
	m := w.model
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
	return w.run(ctx, unitsAhead, func(u *unit, dst []uint16) unitAhead {
		var t *cpu.Task
		err := m.inside(func() (err error) {
			t, err = u.cpu.Task(m.workers, dst, m.check(u.coded.Whole(), dst))
			return err
		})
		if err != nil {
			return failed(err)
		}
		for range min(m.workers, t.Pieces()) {
			feed <- t
		}
		return unitAhead{u, dst, t.Done(), t.Err}
	})
}

// onGPUs decodes on GPUs: a unit at a time for each buffer that they have.
func (w *walk) onGPUs(ctx context.Context) error {
	m := w.model
	ctx, cancel := context.WithCancel(ctx)
	slots := m.gpus.Slots()
	feed := make(chan func(), slots+1) // room for all that is under way
	var workers sync.WaitGroup
	for range slots {
		workers.Go(func() {
			for decode := range feed {
				decode()
			}
		})
	}
	defer func() {
		cancel()
		close(feed)
		workers.Wait()
	}()
	return w.run(ctx, slots+1, func(u *unit, dst []uint16) unitAhead {
		var err error
		done := make(chan struct{})
		feed <- func() {
			err = m.inside(func() error { return m.decode(ctx, u.coded.Whole(), dst) })
			close(done)
		}
		return unitAhead{u, dst, done, func() error { return err }}
	})
}
