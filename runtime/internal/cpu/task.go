package cpu

import (
	"context"
	"errors"
	goruntime "runtime"
	"sync"

	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/internal/strands"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// Chunks that a worker takes at a time: a fair share of half of what is left, or all of it where there is
// one worker, so that the strands of the assembly run long and all workers end together; as many for each
// strand. The smallest pieces are about 300,000 weights, a tenth of a millisecond; the largest take a few.
const (
	minPiece = 5 * strands.Count
	maxPiece = 128 * strands.Count
)

// summedPiece is about the most chunks that a worker decodes at a time where they are summed up: a megabyte of words,
// which the second level of a core holds until then.
const summedPiece = 8 * strands.Count

// summedChunks returns how many of n chunks that are summed up to decode next: a fair share, and as many for each side
// of the decoder.
func summedChunks(n, sides int) int {
	pieces := (n + summedPiece - 1) / summedPiece
	share := (n + pieces - 1) / pieces
	return min(n, (share+sides-1)/sides*sides)
}

// A Task is the decoding of chunks [next, to) of a unit into dst, piece by piece, by any number of
// workers.
type Task struct {
	unit    *checkedUnit
	stream  *stream
	workers int
	dst     []uint16     // the elements of the chunks
	base    int          // the first of them
	check   *coded.Check // nil where nothing is checked

	mu   sync.Mutex
	next int // the first chunk that nobody has taken
	to   int // one past the last chunk to decode; lowered by an error
	busy int // pieces under way
	err  error
	done chan struct{} // closed when no piece is left
}

// Task prepares the decoding of the whole unit by as many workers, and the check of what they decode. Its error is that of
// [Unit.Prepare].
func (u *Unit) Task(workers int, dst []uint16, check *coded.Check) (*Task, error) {
	c, err := u.prepare()
	if err != nil {
		return nil, err
	}
	return newTask(c, workers, 0, c.stream.Chunks(), dst, check), nil
}

// newTask prepares the decoding of chunks [from, to) of a unit by as many workers, and the check of what they decode,
// unless that is nil.
func newTask(u *checkedUnit, workers, from, to int, dst []uint16, check *coded.Check) *Task {
	base, _ := u.stream.ChunkStart(from)
	t := &Task{unit: u, stream: u.stream, workers: workers, dst: dst, base: base, check: check, next: from, to: to}
	t.done = make(chan struct{})
	// What fits into the cache is read out of it next, and its memory is likely to be that of the call before.
	if check != nil || 2*len(dst) <= cachedBytes {
		t.stream = u.stream.throughCaches()
	}
	if from == to {
		close(t.done)
	}
	return t
}

// take returns the next piece, false when there is none left to take.
func (t *Task) take() (from, to int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next >= t.to {
		return 0, 0, false
	}
	from = t.next
	n := t.to - from
	if t.workers > 1 {
		n = max(minPiece, n/(2*t.workers)/strands.Count*strands.Count)
	}
	t.next = min(t.to, from+min(n, maxPiece))
	t.busy++
	return from, t.next, true
}

// finish notes that a piece is done, and the error of chunk bad if it has one.
func (t *Task) finish(bad int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && bad < t.to {
		// The lowest bad chunk is the one to report: pieces below it still count.
		t.to, t.err = bad, err
	}
	if t.busy--; t.busy == 0 && t.next >= t.to {
		close(t.done)
	}
}

// piece decodes chunks [from, to), and sums them up. A fault is the error of those that were under way.
func (t *Task) piece(from, to int) (bad int, err error) {
	err = fault.Guard(func() error {
		for ; from < to; from = bad {
			bad = to
			if t.check != nil {
				bad = from + summedChunks(to-from, t.unit.decoder.sides())
			}
			if bad, err = t.chunks(from, bad); err != nil {
				return err
			}
			if t.check != nil {
				first, _ := t.stream.ChunkStart(from)
				end, _ := t.stream.ChunkStart(bad)
				t.check.Decoded(first, end)
			}
		}
		return nil
	})
	if _, gone := errors.AsType[*fault.Error](err); gone {
		return from, t.unit.Wrap(err)
	}
	return bad, err
}

// chunks decodes chunks [from, to). What the fast decoder rejects, the reference decides.
func (t *Task) chunks(from, to int) (bad int, err error) {
	for from < to {
		first, _ := t.stream.ChunkStart(from)
		end, _ := t.stream.ChunkStart(to)
		bad := t.unit.decoder.decode(t.stream, from, to, t.dst[first-t.base:end-t.base])
		if bad == to {
			break
		}
		first, _ = t.stream.ChunkStart(bad)
		end, _ = t.stream.ChunkStart(bad + 1)
		if err := t.unit.reference(bad, t.dst[first-t.base:end-t.base]); err != nil {
			return bad, err
		}
		from = bad + 1
	}
	return to, nil
}

// Work decodes pieces of the task until none is left or the context ends.
func (t *Task) Work(ctx context.Context) {
	for ctx.Err() == nil {
		from, to, ok := t.take()
		if !ok {
			return
		}
		t.finish(t.piece(from, to))
	}
}

// Done is closed when the task is over: all is decoded, or there is an error.
func (t *Task) Done() <-chan struct{} { return t.done }

// Err is the error of a task that is over: that of the lowest bad chunk, or else that of the check.
func (t *Task) Err() error {
	if t.err != nil {
		return t.err
	}
	return t.check.Err()
}

// Pieces bounds the number of pieces of a task that nobody works on yet.
func (t *Task) Pieces() int { return (t.to - t.next + minPiece - 1) / minPiece }

// run decodes the whole task, this goroutine being one of the workers.
func (t *Task) run(ctx context.Context) error {
	n := min(t.workers, t.Pieces())
	var others sync.WaitGroup
	for range n - 1 {
		others.Go(func() { t.Work(ctx) })
	}
	t.Work(ctx)
	others.Wait()
	if n > 1 {
		// A goroutine that decodes again and again, and those that it starts and waits for, hand one processor to each
		// other: without this nobody else would get it.
		goruntime.Gosched()
	}
	select {
	case <-t.done:
		return t.err
	default:
		return ctx.Err()
	}
}
