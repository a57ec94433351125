package coded

import (
	"context"
	goruntime "runtime"
	"sync"
)

// Pieces bounds the number of parts that a worker takes at a time. It takes its share of half of the parts that are
// left, so that all workers end at about the same time. A single worker takes as many as it may. The number is a
// multiple of Multiple, as are the bounds.
type Pieces struct{ Least, Most, Multiple int }

// A Task decodes parts [next, to) of a unit, piece by piece, with any number of workers.
type Task struct {
	pieces  Pieces
	workers int
	decode  func(from, to int) (bad int, err error)
	check   *Check

	mu   sync.Mutex
	next int // the first part that nobody has taken
	to   int // one past the last part to decode; lowered by an error
	busy int // pieces that are being decoded
	err  error
	done chan struct{} // closed when no piece is left
}

// NewTask prepares the decoding of parts [from, to) with the given number of workers. The function decode decodes a
// piece. If it returns an error, it also returns the part that the error is of. The parts before it are decoded. When
// all is decoded, the error of check counts.
func NewTask(from, to, workers int, pieces Pieces, check *Check, decode func(from, to int) (bad int, err error)) *Task {
	t := &Task{pieces: pieces, workers: workers, decode: decode, check: check, next: from, to: to, done: make(chan struct{})}
	if from == to {
		close(t.done)
	}
	return t
}

// take returns the next piece. It reports false if none is left.
func (t *Task) take() (from, to int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next >= t.to {
		return 0, 0, false
	}
	from = t.next
	n := t.to - from
	if t.workers > 1 {
		n = max(t.pieces.Least, n/(2*t.workers)/t.pieces.Multiple*t.pieces.Multiple)
	}
	t.next = min(t.to, from+min(n, t.pieces.Most))
	t.busy++
	return from, t.next, true
}

// finish notes that a piece is done. An error is that of part bad.
func (t *Task) finish(bad int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && bad < t.to {
		// The lowest bad part is reported, so the pieces below it are still decoded.
		t.to, t.err = bad, err
	}
	if t.busy--; t.busy == 0 && t.next >= t.to {
		close(t.done)
	}
}

// Work decodes pieces of the task until no piece is left or the context ends.
func (t *Task) Work(ctx context.Context) {
	for ctx.Err() == nil {
		from, to, ok := t.take()
		if !ok {
			return
		}
		t.finish(t.decode(from, to))
	}
}

// Done returns a channel that is closed when the task is over: when all parts are decoded, or there is an error
// and no piece is being decoded.
func (t *Task) Done() <-chan struct{} { return t.done }

// Err returns the error of a task that is over. It is that of the lowest bad part, or else that of the check.
func (t *Task) Err() error {
	if t.err != nil {
		return t.err
	}
	return t.check.Err()
}

// Pieces bounds the number of pieces of a task. No worker may have begun.
func (t *Task) Pieces() int { return (t.to - t.next + t.pieces.Least - 1) / t.pieces.Least }

// Run decodes the whole task. The calling goroutine is one of the workers. It does not wait for the check.
func (t *Task) Run(ctx context.Context) error {
	n := min(t.workers, t.Pieces())
	var others sync.WaitGroup
	for range n - 1 {
		others.Go(func() { t.Work(ctx) })
	}
	t.Work(ctx)
	others.Wait()
	if n > 1 {
		// A goroutine that decodes again and again passes its processor to the workers that it waits for, and back.
		// Other goroutines would not get it without this call.
		goruntime.Gosched()
	}
	select {
	case <-t.done:
		return t.err
	default:
		return ctx.Err()
	}
}
