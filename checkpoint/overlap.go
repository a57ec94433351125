package checkpoint

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// A stage does its part of the work on piece i, which lies in the buffer.
type stage[T any] func(ctx context.Context, i int, buffer *T) error

// overlap takes n pieces through stages that run side by side: while one is busy with a piece, the stage
// before it works on a later one. Pieces take turns in the buffers, so that memory is bounded and used
// again. The first error ends all stages; when overlap returns, none is at work any more.
func overlap[T any](ctx context.Context, n int, buffers []T, stages ...stage[T]) error {
	ready := make([]chan *T, len(stages)) // by stage, the buffers that wait for it
	for i := range ready {
		ready[i] = make(chan *T, len(buffers))
	}
	for i := range buffers {
		ready[0] <- &buffers[i]
	}
	group, ctx := errgroup.WithContext(ctx)
	for s, do := range stages {
		from, to := ready[s], ready[(s+1)%len(stages)]
		side(group, func() error {
			for i := range n {
				select {
				case buffer := <-from:
					if err := do(ctx, i, buffer); err != nil {
						return err
					}
					to <- buffer
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	return group.Wait()
}
