package cpu

import (
	"sync"

	"github.com/seed54244801/bespoke/internal/lanes"
	"github.com/seed54244801/bespoke/internal/lookup"
)

// byLanes drives an assembly decoder: it deals runs of chunks out to the decoder's lanes, checks that
// each chunk ends where the next one begins, and finishes in Go what the assembly leaves over. It is the
// decoder avx2.
type byLanes struct {
	portable *portable // whose table the assembly uses, too
	long     []uint64
}

// jobs keeps the working memory of the workers.
var jobs = sync.Pool{New: func() any { return lanes.NewJob() }}

// newLanes returns the decoder of the book of p, over the assembly that takes any book.
func newLanes(p *portable) *byLanes {
	return &byLanes{portable: p, long: lookup.Long(p.book, portableBits)}
}

func (l *byLanes) decode(s *stream, from, to int, dst []uint16) int {
	if len(s.Encoded) < 8+lanes.SrcSlack {
		return l.portable.decode(s, from, to, dst)
	}
	job := jobs.Get().(*lanes.Job) // which is lost where the stream cannot be read: what is in it then, nobody knows
	job.Table = &l.portable.table[0]
	job.LongLast = &l.long[len(l.long)-1]
	d := deal{byLanes: l, stream: s, dst: dst, job: job, to: to}
	d.begin(from)
	for d.plan() {
		anyLanes(job)
		d.look()
	}
	job.Reset()
	jobs.Put(job)
	return d.to
}

func (l *byLanes) sides() int { return lanes.MaxLanes }

func (l *byLanes) decodePart(s *stream, c, from int, dst []uint16) bool {
	return l.portable.decodePart(s, c, from, dst)
}
