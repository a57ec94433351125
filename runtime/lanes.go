package runtime

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

//go:generate go test ../avo -run ^TestAssembly$ -update

// lanes drives an assembly decoder: it deals runs of chunks out to the decoder's lanes, checks that
// each chunk ends where the next one begins, and finishes in Go what the assembly leaves over. It is the
// decoders avx512 and avx2.
type lanes struct {
	portable *portable
	table    []uint64 // the assembly's: that of portable, or one of its own
	long     []uint64
	decoder  kernel.Decoder
	cached   int // cachedBytes
}

// cachedBytes is the size up to which the words of a unit are written through the caches: the second
// level of a core. Larger units would push out of it what is needed more, and only words that are
// written around it come without a read of what was there.
var cachedBytes = max(cpuid.CPU.Cache.L2, 1<<20)

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
	l := &lanes{portable: p, table: p.table, long: kernel.Long(b, d.TableBits), decoder: d, cached: cachedBytes}
	if d.Form == kernel.Slots {
		if l.table, err = kernel.SlotTable(b, d.TableBits, d.MaxSymbols); err != nil {
			return nil, fmt.Errorf("runtime: %w", err)
		}
	}
	return l, nil
}

func (l *lanes) decode(s *stream, from, to int, dst []uint16) int {
	if len(s.Encoded) < 8+kernel.SrcSlack {
		return l.portable.decode(s, from, to, dst)
	}
	job := jobs.Get().(*kernel.Job) // which is lost where the stream cannot be read: what is in it then, nobody knows
	job.Table = &l.table[0]
	job.LongLast = &l.long[len(l.long)-1]
	job.Stream = 0
	if !s.cached && 2*s.Elements() > l.cached && uintptr(unsafe.Pointer(unsafe.SliceData(dst)))%2 == 0 {
		job.Stream = 1
	}
	d := deal{lanes: l, stream: s, dst: dst, job: job, to: to}
	d.begin(from)
	for d.plan() {
		l.decoder.Decode(job)
		d.look()
	}
	job.Reset()
	jobs.Put(job)
	return d.to
}

func (l *lanes) sides() int { return l.decoder.Lanes }

func (l *lanes) decodePart(s *stream, c, from int, dst []uint16) bool {
	return l.portable.decodePart(s, c, from, dst)
}

// skip is that of portable, by the table that the assembly has in the cache.
func (l *lanes) skip(encoded []byte, bit uint64, n int) (uint64, bool) {
	return l.portable.skipBy(l.table, l.decoder.Form, encoded, bit, n)
}
