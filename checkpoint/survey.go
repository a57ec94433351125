package checkpoint

import (
	"context"
	goruntime "runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
)

// spanBytes is the most that a span holds: a block of a tensor's sum. It stays in the second-level cache from counting
// to summing up.
const spanBytes = model.SumBlock

// A span is a part of a file: of one tensor, or of what is not counted.
type span struct {
	bytes  []byte
	counts *codebook.Histogram // of the tensor, nil where nothing is counted
	file   *summed             // nil where no sum is taken
	index  int                 // of the span in its file
	tensor *model.TensorSummer // nil where no sum is taken
	block  int                 // of the tensor
}

// survey goes over spans once, several at a time: it counts the exponents of each, then adds it to the sum of
// its file.
func survey(ctx context.Context, spans []span, p Progress) error {
	var adding sync.Mutex // guards all counts
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(goruntime.GOMAXPROCS(0))
	for _, s := range spans {
		side(group, func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.counts != nil {
				h := encode.Histogram([][]byte{s.bytes}, 1)
				adding.Lock()
				s.counts.Add(&h)
				adding.Unlock()
			}
			if s.tensor != nil {
				s.tensor.Add(s.block, s.bytes)
			}
			if s.file != nil {
				s.file.add(s.index, s.bytes)
			}
			p.Advance(int64(len(s.bytes)))
			return nil
		})
	}
	return group.Wait()
}

// cut appends data, cut into spans like the given one.
func cut(spans []span, data []byte, like span) []span {
	for block := 0; len(data) > 0; block++ {
		s := like
		s.bytes, s.block = data[:min(len(data), spanBytes)], block
		if s.file != nil {
			s.index = s.file.expect()
		}
		spans = append(spans, s)
		data = data[len(s.bytes):]
	}
	return spans
}

// A summed is a file whose sum is taken from spans that come in almost any order. A goroutine whose span comes before its
// turn leaves it in early and goes on; the one whose span was missing adds it and then those in early that follow.
type summed struct {
	mu    sync.Mutex
	early [][]byte // by span: those that came before their turn
	next  int      // the span whose turn it is
	busy  bool     // somebody is adding spans: owns sum
	sum   model.Summer
}

// expect makes place for one more span and returns its index.
func (f *summed) expect() int {
	f.early = append(f.early, nil)
	return len(f.early) - 1
}

// add brings span i, which is not empty.
func (f *summed) add(i int, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.early[i] = data
	if f.busy {
		return
	}
	f.busy = true
	for ; f.next < len(f.early) && f.early[f.next] != nil; f.next++ {
		f.write(f.early[f.next])
	}
	f.busy = false
}

// write adds data, without the lock meanwhile.
func (f *summed) write(data []byte) {
	f.mu.Unlock()
	defer f.mu.Lock()
	_, _ = f.sum.Write(data) // never fails
}
