package runtime

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

//go:generate go test ../avo -run ^TestAssembly$ -update

// lanes drives an assembly decoder: it deals runs of chunks out to the decoder's lanes, checks that
// each chunk ends where the next one begins, and finishes each run in Go. It is the decoder avx2.
type lanes struct {
	portable *portable // over the same table
	long     []uint64
	decoder  kernel.Decoder
}

// jobs keeps the working memory of the workers.
var jobs = sync.Pool{New: func() any { return kernel.NewJob() }}

func newLanes(b *codebook.Book, d kernel.Decoder) (*lanes, error) {
	if d.Lanes < 1 || d.Lanes > kernel.MaxLanes || d.Decode == nil {
		return nil, fmt.Errorf("runtime: assembly decoder with %d lanes, want 1 to %d", d.Lanes, kernel.MaxLanes)
	}
	if !d.SlowPath && b.MaxLength() > d.TableBits {
		return nil, fmt.Errorf("runtime: code book %v has codes of %d bits, the assembly decoder knows up to %d",
			b.Fingerprint(), b.MaxLength(), d.TableBits)
	}
	p, err := newPortable(b, d.TableBits, d.MaxSymbols)
	if err != nil {
		return nil, err
	}
	return &lanes{portable: p, long: kernel.Long(b, d.TableBits), decoder: d}, nil
}

func (l *lanes) decode(s *codebook.Stream, from, to int, dst []uint16) int {
	if len(s.Encoded) < 8+kernel.SrcSlack {
		return l.portable.decode(s, from, to, dst)
	}
	job := jobs.Get().(*kernel.Job)
	defer func() {
		job.Reset()
		jobs.Put(job)
	}()
	job.Table = &l.portable.table[0]
	job.LongLast = &l.long[len(l.long)-1]
	base, _ := s.ChunkStart(from)
	d := deal{lanes: l, stream: s, dst: dst, base: base, job: job, next: from, to: to}
	for d.fill() {
		l.decoder.Decode(job)
		d.look()
	}
	return d.to
}

func (l *lanes) decodePart(s *codebook.Stream, c, from int, dst []uint16) bool {
	return l.portable.decodePart(s, c, from, dst)
}

// A deal hands the chunks of one call of decode out to the lanes of a job.
type deal struct {
	*lanes
	stream *codebook.Stream
	dst    []uint16
	base   int // the first element of dst
	job    *kernel.Job
	next   int // the first chunk that no lane has had
	to     int // one past the last chunk to decode; lowered to the first bad one
	runs   [kernel.MaxLanes]run
}

// fill gives every idle lane a run. It reports whether any lane has one.
func (d *deal) fill() bool {
	live := -1
	for i := range d.decoder.Lanes {
		for !d.runs[i].busy && d.next < d.to {
			// Long runs first: each costs time at its end. Short ones last: all lanes are to end
			// together.
			n := max(1, (d.to-d.next)/(2*d.decoder.Lanes))
			from := d.next
			d.next += n
			d.start(i, from, from+n)
		}
		if d.runs[i].busy {
			live = i
		}
	}
	if live < 0 {
		return false
	}
	for i := range d.decoder.Lanes {
		if !d.runs[i].busy {
			d.job.Idle(i, live)
		}
	}
	return true
}

// look follows the runs through a batch: it checks the ends of the chunks that they came past, and
// finishes the runs that the assembly has no room for any more.
func (d *deal) look() {
	for i := range d.decoder.Lanes {
		if r := &d.runs[i]; r.busy && !d.follow(i, r) {
			d.stop(r)
		}
	}
}

// stop ends a run at a bad chunk: later chunks do not matter any more, earlier ones that are under way
// do.
func (d *deal) stop(bad *run) {
	d.to = bad.chunk
	for i := range d.runs {
		r := &d.runs[i]
		r.busy = r.busy && r.chunk < d.to
	}
}

// offset returns p - base for two places in one buffer.
func offset(p, base *byte) int {
	return int(uintptr(unsafe.Pointer(p)) - uintptr(unsafe.Pointer(base)))
}
