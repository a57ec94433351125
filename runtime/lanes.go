package runtime

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

//go:generate go test ../avo -run ^TestAssembly$ -update

// lanes drives an assembly decoder: it deals the chunks out to the decoder's lanes and finishes
// each chunk in Go. It is the decoder avx2.
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

// A run is what a lane is busy with: a chunk and its elements.
type run struct {
	busy  bool
	chunk int
	first int // the chunk's first element
	end   int // one past its last
}

func (l *lanes) decode(s *codebook.Stream, from, to int, dst []uint16) int {
	base, _ := s.ChunkStart(from)
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

	var runs [kernel.MaxLanes]run
	for next := from; ; {
		live := -1
		for i := range l.decoder.Lanes {
			for !runs[i].busy && next < to {
				runs[i] = start(job, i, s, next, dst, base)
				next++
			}
			if runs[i].busy {
				live = i
			}
		}
		if live < 0 {
			return to
		}
		var left [kernel.MaxLanes]uint64
		for i := range l.decoder.Lanes {
			if !runs[i].busy {
				// All lanes run or none: an idle one does the same work as a busy one, to the same
				// place.
				job.Lanes[i] = job.Lanes[live]
			}
			left[i] = job.Lanes[i].Left
		}
		l.decoder.Decode(job)
		for i := range l.decoder.Lanes {
			r, lane := &runs[i], &job.Lanes[i]
			if !r.busy || lane.Left != left[i] && !nearEnd(lane) {
				continue
			}
			done := r.end - int(lane.Left)
			bit := 8*uint64(offset(lane.Src, &s.Encoded[0])) + lane.Bit
			if !l.portable.finish(s, r.chunk, bit, s.SignMantissa[done:r.end], dst[done-base:r.end-base]) {
				// Later chunks do not matter any more, earlier ones that are under way do.
				to = r.chunk
				for j := range runs {
					runs[j].busy = runs[j].busy && runs[j].chunk < to
				}
			}
			r.busy = false
		}
	}
}

// start points lane i of the job at chunk c. The lane stays idle if the chunk is empty.
func start(job *kernel.Job, i int, s *codebook.Stream, c int, dst []uint16, base int) run {
	first, bit := s.ChunkStart(c)
	end, _ := s.ChunkStart(c + 1)
	if first == end {
		return run{}
	}
	last := len(s.Encoded) - 8
	src := min(int(bit/8), last)
	job.Lanes[i] = kernel.Lane{
		Src:          &s.Encoded[src],
		SrcLast:      &s.Encoded[last],
		Bit:          bit - 8*uint64(src),
		SignMantissa: &s.SignMantissa[first],
		Dst:          &dst[first-base],
		Left:         uint64(end - first),
	}
	return run{busy: true, chunk: c, first: first, end: end}
}

// nearEnd reports whether a lane has too little left for the assembly.
func nearEnd(l *kernel.Lane) bool {
	return l.Left < kernel.Slack || offset(l.SrcLast, l.Src) < kernel.SrcSlack
}

// offset returns p - base for two places in one buffer.
func offset(p, base *byte) int {
	return int(uintptr(unsafe.Pointer(p)) - uintptr(unsafe.Pointer(base)))
}
