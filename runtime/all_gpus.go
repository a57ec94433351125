package runtime

import (
	"context"
	"sync"
)

// decodeAllOnGPUs is DecodeAll with GPUs: it decodes as many units ahead of visit as they have room for. A worker takes
// memory before it takes a unit, so that the unit that visit waits for always has some.
func (m *Model) decodeAllOnGPUs(ctx context.Context, visit func(u Unit, weights []uint16) error) error {
	ctx, cancel := context.WithCancel(ctx)
	workers := m.gpus.Slots()
	memory := make(chan []uint16, workers+1)
	for range cap(memory) {
		memory <- nil
	}
	type decoded struct {
		weights []uint16
		err     error
	}
	units := m.units
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
				err := m.inside(func() error { return m.decode(ctx, u.coded.Whole(), weights) })
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
			if err := m.ended(ctx); err != nil {
				return err
			}
			memory <- r.weights
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}
