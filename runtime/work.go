package runtime

import (
	"context"
	"sync"

	"github.com/seed54244801/bespoke/codebook"
)

// Chunks that a worker takes at a time: large pieces, in which the lanes of the assembly run long,
// and smaller ones toward the end, so that all workers end together. The smallest are about 240,000
// weights, a tenth of a millisecond; the largest take a few.
const (
	minPiece   = 20
	maxPiece   = 640
	pieceShare = 8 // a piece is at most this part of what is left
)

// A task is the decoding of chunks [next, to) of a unit into dst, piece by piece, by any number of
// workers.
type task struct {
	unit    *unit
	decoder chunkDecoder
	dst     []uint16 // the elements of the chunks
	base    int      // the first of them

	mu   sync.Mutex
	next int // the first chunk that nobody has taken
	to   int // one past the last chunk to decode; lowered by an error
	busy int // pieces under way
	err  error
	done chan struct{} // closed when no piece is left
}

// newTask prepares the decoding of chunks [from, to) of a unit.
func newTask(u *unit, d chunkDecoder, from, to int, dst []uint16) *task {
	base, _ := u.stream.ChunkStart(from)
	t := &task{unit: u, decoder: d, dst: dst, base: base, next: from, to: to, done: make(chan struct{})}
	if from == to {
		close(t.done)
	}
	return t
}

// take returns the next piece, false when there is none left to take.
func (t *task) take() (from, to int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next >= t.to {
		return 0, 0, false
	}
	from = t.next
	t.next = min(t.to, from+max(minPiece, min(maxPiece, (t.to-from)/pieceShare)))
	t.busy++
	return from, t.next, true
}

// finish notes that a piece is done, and the error of chunk bad if it has one.
func (t *task) finish(bad int, err error) {
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

// piece decodes chunks [from, to). What the fast decoder rejects, the reference decides.
func (t *task) piece(from, to int) (bad int, err error) {
	s := &t.unit.stream
	for from < to {
		first, _ := s.ChunkStart(from)
		end, _ := s.ChunkStart(to)
		bad := t.decoder.decode(s, from, to, t.dst[first-t.base:end-t.base])
		if bad == to {
			break
		}
		first, _ = s.ChunkStart(bad)
		end, _ = s.ChunkStart(bad + 1)
		if err := codebook.DecodeChunk(t.unit.book, s, bad, t.dst[first-t.base:end-t.base]); err != nil {
			return bad, t.unit.wrap(err)
		}
		from = bad + 1
	}
	return to, nil
}

// work decodes pieces of the task until none is left or the context ends.
func (t *task) work(ctx context.Context) {
	for ctx.Err() == nil {
		from, to, ok := t.take()
		if !ok {
			return
		}
		t.finish(t.piece(from, to))
	}
}

// pieces bounds the number of pieces of a task that nobody works on yet.
func (t *task) pieces() int { return (t.to - t.next + minPiece - 1) / minPiece }

// run decodes the whole task with at most n goroutines, this one among them.
func (t *task) run(ctx context.Context, n int) error {
	n = min(n, t.pieces())
	var others sync.WaitGroup
	for range n - 1 {
		others.Go(func() { t.work(ctx) })
	}
	t.work(ctx)
	others.Wait()
	select {
	case <-t.done:
		return t.err
	default:
		return ctx.Err()
	}
}
