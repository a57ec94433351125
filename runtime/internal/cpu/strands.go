package cpu

import (
	"sync"

	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/strands"
)

// byStrands decodes with the assembly for AVX2. It gives a stretch of chunks to each strand, and checks that each
// chunk ends where the next one begins. It decodes in Go the elements that the assembly leaves over. It is the
// decoder avx2.
type byStrands struct {
	portable *portable // the assembly uses its table, too
	long     []uint64  // see lookup.Long
}

// jobs keeps the working memory of the workers.
var jobs = sync.Pool{New: func() any { return strands.NewJob() }}

// newStrands returns the decoder of the book of p.
func newStrands(p *portable) *byStrands {
	return &byStrands{portable: p, long: lookup.Long(p.book)}
}

func (b *byStrands) decode(s *stream, from, to int, dst []uint16) int {
	if len(s.Encoded) < 8+strands.SrcSlack {
		return b.portable.decode(s, from, to, dst)
	}
	// If the stream cannot be read, the job does not go back to the pool, because its state is not known then.
	job := jobs.Get().(*strands.Job)
	job.Table = b.portable.table
	job.LongLast = &b.long[len(b.long)-1]
	d := deal{byStrands: b, stream: s, dst: dst, job: job, to: to}
	d.begin(from)
	for d.plan() {
		anyStrands(job)
		d.look()
	}
	job.Reset()
	jobs.Put(job)
	return d.to
}

func (b *byStrands) sides() int { return strands.Count }

func (b *byStrands) decodePart(s *stream, c, from int, dst []uint16) bool {
	return b.portable.decodePart(s, c, from, dst)
}
