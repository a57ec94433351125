//go:build cuda

package runtime

import (
	"context"
	"fmt"
	"sync"
)

// decodeAll decodes units ahead of visit: as many as there are slots, or as there is memory for within the bound.
func (g *gpus) decodeAll(ctx context.Context, next func() (string, bool), bound int64, visit func(u Unit, weights []uint16) error) error {
	ctx, cancel := context.WithCancel(ctx)
	workers := gpuSlots * len(g.devices)
	feed := make(chan *gpuTask, workers+1) // room for all that is under way
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for t := range feed {
				t.done <- g.model.inside(func() error { return g.model.decode(ctx, t.unit.whole(), t.dst) })
			}
		})
	}
	defer func() {
		cancel()
		close(feed)
		wg.Wait()
	}()

	memory := &buffers{limit: bound / 2}
	var ahead []*gpuTask // under way, in the order of the units
	name, more := next()
	for more || len(ahead) > 0 {
		for more && len(ahead) < cap(feed) {
			u, ok := g.model.byName[name]
			t := &gpuTask{unit: u, done: make(chan error, 1)}
			if !ok {
				t.done <- g.model.wrap(fmt.Errorf("no unit %q", name))
			} else if t.dst, ok = memory.get(u.Elements); ok {
				feed <- t
			} else {
				break
			}
			ahead = append(ahead, t)
			name, more = next()
		}
		t := ahead[0]
		ahead = ahead[1:]
		select {
		case err := <-t.done:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := visit(t.unit.public(), t.dst); err != nil {
			return err
		}
		if err := g.model.ended(ctx); err != nil {
			return err
		}
		memory.put(t.dst)
	}
	return ctx.Err()
}

// A gpuTask is a unit under way.
type gpuTask struct {
	unit *unit
	dst  []uint16
	done chan error
}
