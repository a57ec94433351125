//go:build cuda

package runtime

import (
	"context"
	"sync"
)

// decodeAll decodes as many units ahead of visit as there are slots. A worker takes memory before it takes a unit,
// so that the unit that visit waits for always has some.
func (g *gpus) decodeAll(ctx context.Context, visit func(u Unit, weights []uint16) error) error {
	ctx, cancel := context.WithCancel(ctx)
	workers := gpuSlots * len(g.devices)
	memory := make(chan []uint16, workers+1)
	for range cap(memory) {
		memory <- nil
	}
	type decoded struct {
		weights []uint16
		err     error
	}
	units := g.model.units
	results := make([]chan decoded, len(units))
	for i := range results {
		results[i] = make(chan decoded, 1)
	}
	numbers := make(chan int, len(units))
	for i := range units {
		numbers <- i
	}
	close(numbers)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
	}()
	for range workers {
		wg.Go(func() {
			for {
				var weights []uint16
				select {
				case weights = <-memory:
				case <-ctx.Done():
					return
				}
				i, ok := <-numbers
				if !ok {
					return
				}
				u := units[i]
				if cap(weights) < u.Elements {
					weights = make([]uint16, u.Elements)
				}
				weights = weights[:u.Elements]
				err := g.model.inside(func() error { return g.model.decode(ctx, u.whole(), weights) })
				results[i] <- decoded{weights, err}
			}
		})
	}
	for i, u := range units {
		select {
		case r := <-results[i]:
			if r.err != nil {
				return r.err
			}
			if err := visit(u.public(), r.weights); err != nil {
				return err
			}
			if err := g.model.ended(ctx); err != nil {
				return err
			}
			memory <- r.weights
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}
