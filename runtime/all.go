package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
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
// bound bytes; only a unit that is larger by itself takes more. A bound of 0 stands for twice the largest unit and 8 MiB
// more. Where the bound has no room for a second unit, none is decoded ahead.
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
		next, stop := iter.Pull(names)
		defer stop()
		if m.gpu != nil {
			return m.gpu.decodeAll(ctx, next, bound, visit)
		}
		return m.decodeAll(ctx, next, bound, visit)
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
	return 2*2*int64(largest) + smallBuffers
}

// decodeAll is DecodeUnits without a GPU. Only while units are checked and decoded do others have to wait before they
// close the files.
func (m *Model) decodeAll(ctx context.Context, next func() (string, bool), bound int64, visit func(u Unit, weights []uint16) error) error {
	ctx, cancel := context.WithCancel(ctx)
	feed := make(chan *task, unitsAhead*m.workers) // room for all that is under way
	var workers sync.WaitGroup
	for range m.workers {
		workers.Go(func() {
			for t := range feed {
				if m.gate.enter() {
					t.work(ctx)
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

	memory := &buffers{limit: bound / 2}
	var ahead []*task // under way, in the order of the units
	name, more := next()
	for more || len(ahead) > 0 {
		for more && len(ahead) < unitsAhead {
			t, ok := m.start(name, memory)
			if !ok {
				break
			}
			for range min(m.workers, t.pieces()) {
				feed <- t
			}
			ahead = append(ahead, t)
			name, more = next()
		}
		t := ahead[0]
		ahead = ahead[1:]
		select {
		case <-t.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if t.err == nil {
			t.err = t.sums.err()
		}
		if t.err != nil {
			return t.err
		}
		if err := visit(t.unit.public(), t.dst); err != nil {
			return err
		}
		if err := m.ended(ctx); err != nil {
			return err
		}
		memory.put(t.dst)
	}
	return ctx.Err()
}

// start returns the task that decodes a unit, a finished one with an error if the unit cannot be decoded. It fails where
// there is no memory for the unit.
func (m *Model) start(name string, memory *buffers) (*task, bool) {
	u, ok := m.byName[name]
	if !ok {
		return failed(m.wrap(fmt.Errorf("no unit %q", name))), true
	}
	dst, ok := memory.get(u.Elements)
	if !ok {
		return nil, false
	}
	return m.wholeUnit(u, dst), true
}

// failed returns a finished task with an error.
func failed(err error) *task {
	t := &task{done: make(chan struct{}), err: err}
	close(t.done)
	return t
}

// unitsAhead bounds the units under way in DecodeUnits, so that many small ones keep all workers
// busy.
const unitsAhead = 32

// wholeUnit returns the task that decodes a unit, a finished one with an error if the unit cannot
// be decoded.
func (m *Model) wholeUnit(u *unit, dst []uint16) (t *task) {
	err := m.inside(func() error {
		checked, err := u.prepare()
		if err == nil {
			t = newTask(checked, m.workers, 0, checked.stream.Chunks(), dst, newSums(u.whole().with(m.checks), dst))
		}
		return err
	})
	if err != nil {
		return failed(err)
	}
	return t
}

// buffers hands out memory for weights, and keeps it for the next unit within a limit.
type buffers struct {
	limit int64 // words
	held  int64 // words, free or in use
	inUse int   // buffers
	free  [][]uint16
}

// get returns memory for n words. It fails when there is none within the limit; it never does while
// no buffer is in use.
func (b *buffers) get(n int) ([]uint16, bool) {
	best := -1
	for i, f := range b.free {
		if cap(f) >= n && (best < 0 || cap(f) < cap(b.free[best])) {
			best = i
		}
	}
	if best < 0 {
		for len(b.free) > 0 && b.held+int64(n) > b.limit {
			b.held -= int64(cap(b.free[0]))
			b.free = slices.Delete(b.free, 0, 1)
		}
		if b.held+int64(n) > b.limit && b.inUse > 0 {
			return nil, false
		}
		b.held += int64(n)
		b.inUse++
		return make([]uint16, n), true
	}
	buf := b.free[best][:n]
	b.free = slices.Delete(b.free, best, best+1)
	b.inUse++
	return buf, true
}

// put takes back memory that get returned.
func (b *buffers) put(buf []uint16) {
	b.free = append(b.free, buf)
	b.inUse--
}
