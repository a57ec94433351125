package checkpoint

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// A stage does its part of the work on piece i, which lies in the slot.
type stage[T any] func(ctx context.Context, i int, slot *T) error

// overlap takes n pieces through stages that run side by side: while one is busy with a piece, the stage
// before it works on a later one. Pieces take turns in the slots, so that memory is bounded and used
// again. The first error ends all stages; when overlap returns, none is at work any more.
func overlap[T any](ctx context.Context, n int, slots []T, stages ...stage[T]) error {
	ready := make([]chan *T, len(stages)) // by stage, the slots that wait for it
	for i := range ready {
		ready[i] = make(chan *T, len(slots))
	}
	for i := range slots {
		ready[0] <- &slots[i]
	}
	group, ctx := errgroup.WithContext(ctx)
	for s, do := range stages {
		from, to := ready[s], ready[(s+1)%len(stages)]
		side(group, func() error {
			for i := range n {
				select {
				case slot := <-from:
					if err := do(ctx, i, slot); err != nil {
						return err
					}
					to <- slot
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	return group.Wait()
}
