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

// The bounds of the number of chunks that a worker takes at a time. It takes its share of half of the chunks that
// are left, so that all workers end at about the same time. A single worker takes all that are left, because long
// stretches are decoded faster. The number is a multiple of the number of strands. The smallest pieces have about
// 300,000 weights and take a tenth of a millisecond. The largest pieces take a few milliseconds.
const (
	minPiece = 5 * strands.Count
	maxPiece = 128 * strands.Count
)

// summedPiece is about the largest number of chunks that a worker decodes at a time if their weights are compared
// with sums. They are a megabyte of words, which stay in the second-level cache of a core until they are summed up.
const summedPiece = 8 * strands.Count

// summedChunks returns how many of n chunks to decode next if their weights are compared with sums. The pieces of n
// chunks get equal shares, rounded up to a multiple of the chunks that the decoder decodes side by side.
func summedChunks(n, sides int) int {
	pieces := (n + summedPiece - 1) / summedPiece
	share := (n + pieces - 1) / pieces
	return min(n, (share+sides-1)/sides*sides)
}

// A Task decodes chunks [next, to) of a unit into dst, piece by piece, with any number of workers.
type Task struct {
	unit    *checkedUnit
	stream  *stream
	workers int
	dst     []uint16     // for the elements of the chunks
	base    int          // the first of these elements
	check   *coded.Check // nil if nothing is checked

	mu   sync.Mutex
	next int // the first chunk that nobody has taken
	to   int // one past the last chunk to decode; lowered by an error
	busy int // pieces that are being decoded
	err  error
	done chan struct{} // closed when no piece is left
}

// Task prepares the decoding of the whole unit with the given number of workers. If check is not nil, it checks the
// decoded elements. The error is that of [Unit.Prepare].
func (u *Unit) Task(workers int, dst []uint16, check *coded.Check) (*Task, error) {
	c, err := u.prepare()
	if err != nil {
		return nil, err
	}
	return newTask(c, workers, 0, c.stream.Chunks(), dst, check), nil
}

// newTask prepares the decoding of chunks [from, to) of a unit with the given number of workers. If check is not
// nil, it checks the decoded elements.
func newTask(u *checkedUnit, workers, from, to int, dst []uint16, check *coded.Check) *Task {
	base, _ := u.stream.ChunkStart(from)
	t := &Task{unit: u, stream: u.stream, workers: workers, dst: dst, base: base, check: check, next: from, to: to}
	t.done = make(chan struct{})
	// Words that are checked, or that fit into the cache, are likely to be read from it soon. The memory of the
	// latter is often in the cache already, from an earlier call.
	if check != nil || 2*len(dst) <= cachedBytes {
		t.stream = u.stream.throughCaches()
	}
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
		n = max(minPiece, n/(2*t.workers)/strands.Count*strands.Count)
	}
	t.next = min(t.to, from+min(n, maxPiece))
	t.busy++
	return from, t.next, true
}

// finish notes that a piece is done. An error is that of chunk bad.
func (t *Task) finish(bad int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && bad < t.to {
		// The lowest bad chunk is reported, so the pieces below it are still decoded.
		t.to, t.err = bad, err
	}
	if t.busy--; t.busy == 0 && t.next >= t.to {
		close(t.done)
	}
}

// piece decodes chunks [from, to), and reports their elements to the check. A fault is an error of the first chunk,
// because it is not known which chunk it was in.
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

// chunks decodes chunks [from, to). If the fast decoder rejects a chunk, the reference decides.
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

// Work decodes pieces of the task until no piece is left or the context ends.
func (t *Task) Work(ctx context.Context) {
	for ctx.Err() == nil {
		from, to, ok := t.take()
		if !ok {
			return
		}
		t.finish(t.piece(from, to))
	}
}

// Done returns a channel that is closed when the task is over: when all chunks are decoded, or there is an error
// and no piece is being decoded.
func (t *Task) Done() <-chan struct{} { return t.done }

// Err returns the error of a task that is over. It is that of the lowest bad chunk, or else that of the check.
func (t *Task) Err() error {
	if t.err != nil {
		return t.err
	}
	return t.check.Err()
}

// Pieces bounds the number of pieces of a task. No worker may have begun.
func (t *Task) Pieces() int { return (t.to - t.next + minPiece - 1) / minPiece }

// run decodes the whole task. The calling goroutine is one of the workers.
func (t *Task) run(ctx context.Context) error {
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
