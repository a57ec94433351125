package runtime

import (
	"context"
	"slices"
	"sync"
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
		if m.gpu != nil {
			return m.gpu.decodeAll(ctx, visit)
		}
		return m.decodeAll(ctx, visit)
	})
}

// decodeAll is DecodeAll without a GPU. Only while units are checked and decoded do others have to wait before they
// close the files.
func (m *Model) decodeAll(ctx context.Context, visit func(u Unit, weights []uint16) error) error {
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

	memory := newBuffers(m.units)
	var ahead []*task // under way, in the order of the units
	for next := 0; next < len(m.units) || len(ahead) > 0; {
		for next < len(m.units) && len(ahead) < unitsAhead {
			buf, ok := memory.get(m.units[next].Elements)
			if !ok {
				break
			}
			t := m.wholeUnit(m.units[next], buf)
			for range min(m.workers, t.pieces()) {
				feed <- t
			}
			ahead = append(ahead, t)
			next++
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

// unitsAhead bounds the units under way in DecodeAll, so that many small ones keep all workers
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
		t = &task{done: make(chan struct{}), err: err}
		close(t.done)
	}
	return t
}

// buffers hands out memory for weights, and keeps it for the next unit within a limit.
type buffers struct {
	limit int // words
	held  int // words, free or in use
	inUse int // buffers
	free  [][]uint16
}

// smallBuffers is memory for many small units besides the large ones, in words.
const smallBuffers = 1 << 22

func newBuffers(units []*unit) *buffers {
	b := &buffers{limit: smallBuffers}
	for _, u := range units {
		b.limit = max(b.limit, 2*u.Elements+smallBuffers)
	}
	return b
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
		for len(b.free) > 0 && b.held+n > b.limit {
			b.held -= cap(b.free[0])
			b.free = slices.Delete(b.free, 0, 1)
		}
		if b.held+n > b.limit && b.inUse > 0 {
			return nil, false
		}
		b.held += n
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
