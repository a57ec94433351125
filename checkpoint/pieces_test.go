package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
)

func TestOverlap(t *testing.T) {
	type buffer struct{ piece, stage int }
	broken := errors.New("broken")
	cases := []struct {
		n, buffers, stages int
		at                 [2]int // the piece and the stage that fails, if there is such a stage
	}{
		{0, 1, 1, [2]int{-1, -1}},
		{1, 3, 2, [2]int{-1, -1}},
		{100, 1, 3, [2]int{-1, -1}},
		{100, 4, 3, [2]int{-1, -1}},
		{100, 4, 3, [2]int{0, 0}},
		{100, 4, 3, [2]int{50, 1}},
		{100, 2, 3, [2]int{99, 2}},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			done := make([]int, c.stages)
			var busy atomic.Int32
			var stages []stage[buffer]
			for s := range c.stages {
				stages = append(stages, func(_ context.Context, i int, x *buffer) error {
					busy.Add(1)
					defer busy.Add(-1)
					if s == 0 {
						*x = buffer{piece: i}
					}
					if i != done[s] || *x != (buffer{i, s}) {
						t.Errorf("stage %d: piece %d after %d in buffer %v", s, i, done[s], *x)
					}
					if c.at == [2]int{i, s} {
						return broken
					}
					done[s], x.stage = i+1, s+1
					return nil
				})
			}
			err := overlap(context.Background(), c.n, make([]buffer, c.buffers), stages...)
			if busy.Load() != 0 {
				t.Error("a stage is still at work")
			}
			if c.at[1] >= 0 {
				if err != broken {
					t.Errorf("error %v, want %v", err, broken)
				}
				return
			}
			for s, n := range done {
				if err != nil || n != c.n {
					t.Errorf("error %v, stage %d did %d pieces of %d", err, s, n, c.n)
				}
			}
		})
	}
}

func TestOverlapCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	count := 0
	first := func(_ context.Context, i int, _ *int) error {
		if count++; i == 10 {
			cancel()
		}
		return nil
	}
	second := func(ctx context.Context, _ int, _ *int) error { return nil }
	if err := overlap(ctx, 1<<30, make([]int, 2), first, second); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after %d pieces", err, count)
	}
}
