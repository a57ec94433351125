package cpu

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/windows"
)

// byWindows decodes with the assembly for AVX-512, chunk by chunk. It checks that each chunk has the number of
// elements that the index says. It decodes in Go the windows that the assembly cannot follow, and the elements at
// the end of a stream.
type byWindows struct {
	portable *portable
	tables   *windows.Tables
	decoder  windows.Decoder
	other    Decoder // for streams without gaps
	cached   int     // cachedBytes
}

// cachedBytes is the largest size of a unit whose words are written through the caches: the size of the
// second-level cache of a core. The words of a larger unit would displace data that is needed more. And a write
// around the caches does not read the old contents of the memory.
var cachedBytes = max(cpuid.CPU.Cache.L2, 1<<20)

// newWindows returns the decoder of a book by windows. cut is the assembly for the book, or nil for the assembly
// that takes any book. It reports false if the book cannot be decoded by windows, or not fast enough.
func newWindows(p *portable, other Decoder, cut windows.Decoder) (*byWindows, bool) {
	tables, err := windows.NewTables(p.book)
	if err != nil || cut == nil && !mostlyCovered(p.book, tables) {
		return nil, false
	}
	if cut == nil {
		cut = anyWindows
	}
	return &byWindows{portable: p, tables: tables, decoder: cut, other: other, cached: cachedBytes}, true
}

// mostlyCovered reports whether codes that are too long for the tables are rare. It takes the frequency of a code
// from its length.
func mostlyCovered(b *codebook.Book, t *windows.Tables) bool {
	uncovered := 0.0
	for _, s := range b.Symbols() {
		if n := int(b.Code(s).Length); n > t.Covers(true) {
			uncovered += math.Ldexp(1, -n)
		}
	}
	return uncovered < 1.0/1024
}

// windowJobs keeps the working memory of the workers.
var windowJobs = sync.Pool{New: func() any { return windows.NewJob() }}

func (w *byWindows) decode(s *stream, from, to int, dst []uint16) int {
	if s.gaps == nil {
		return w.other.decode(s, from, to, dst)
	}
	job := windowJobs.Get().(*windows.Job) // it does not go back to the pool if the stream cannot be read
	r := windowRun{byWindows: w, stream: s, dst: dst, job: job}
	bad := r.chunks(from, to)
	job.Reset()
	windowJobs.Put(job)
	return bad
}

func (w *byWindows) decodePart(s *stream, c, from int, dst []uint16) bool {
	start, _ := s.ChunkStart(c)
	stop, _ := s.ChunkStart(c + 1)
	chunk := make([]uint16, stop-start)
	if w.decode(s, c, c+1, chunk) != c+1 {
		return false
	}
	copy(dst, chunk[from-start:])
	return true
}

func (w *byWindows) sides() int { return 1 }

// A windowRun decodes successive chunks of a stream.
type windowRun struct {
	*byWindows
	stream *stream
	dst    []uint16
	job    *windows.Job
	base   int // the first element of dst
	start  int // the element that the job began with
	head   int // the number of elements from start to the next cache line of dst, which are written in Go
	at     int // the element that is decoded next
}

// chunks decodes chunks [from, to). It returns the first one that it could not decode, or to.
func (r *windowRun) chunks(from, to int) int {
	r.base, _ = r.stream.ChunkStart(from)
	r.begin(r.base)
	for c := from; c < to; c++ {
		if !r.chunk(c) {
			first, _ := r.stream.ChunkStart(c)
			r.flush(first)
			return c
		}
	}
	r.flush(r.at)
	return to
}

// begin makes the job go on at an element.
func (r *windowRun) begin(element int) {
	r.start, r.at = element, element
	rest := r.dst[element-r.base:]
	address := uintptr(unsafe.Pointer(unsafe.SliceData(rest)))
	r.job.Stream = 0
	if !r.stream.cached && 2*r.stream.Elements() > r.cached && address%2 == 0 {
		r.job.Stream = 1
	}
	r.head = min(len(rest), int(-address%windows.LineSize/2))
	r.job.Pending = -int64(r.head)
	r.job.Dst, r.job.SignMantissa, r.job.Merged = nil, nil, 0
	if r.head < len(rest) {
		r.job.Dst = &rest[r.head]
		r.job.SignMantissa = &r.stream.SignMantissa[element+r.head]
	}
}

// chunk decodes a chunk. It reports whether the chunk was sound.
func (r *windowRun) chunk(c int) bool {
	s, job := r.stream, r.job
	first, bit := s.ChunkStart(c)
	end, next := s.ChunkStart(c + 1)
	if first == end { // only the last chunk of a stream may be empty
		return true
	}
	from := c * codebook.ChunkBytes
	blocks := max(0, min(windows.ChunkBlocks, (len(s.Encoded)-from-codebook.WindowBytes)/windows.BlockBytes))
	whole := blocks == windows.ChunkBlocks && end < s.Elements()
	job.Tables = r.tables
	job.Src, job.Gaps = &s.Encoded[from], &s.gaps[c*windows.ChunkBlocks*windows.BlockGaps]
	job.Blocks, job.Room = uint64(blocks), uint64(end-first)
	job.Gap, job.NextGap = bit-uint64(c)*codebook.ChunkBits, windows.NoGap
	if whole {
		job.NextGap = next - uint64(c+1)*codebook.ChunkBits
	}
	if !r.blocks(s.Encoded, windows.BlockWindows) {
		return false
	}
	if whole {
		r.at = end - int(job.Room)
		return r.at == end
	}
	bit = uint64(c)*codebook.ChunkBits + uint64(blocks)*windows.BlockWindows*codebook.WindowBits
	bit, ok := r.last(bit)
	r.at = end - int(job.Room)
	r.flush(r.at)
	ok = ok && r.portable.finish(s, c, bit, s.SignMantissa[r.at:end], r.dst[r.at-r.base:end-r.base])
	r.begin(end)
	return ok
}

// last decodes the last block of a stream, which starts at the given bit and may have fewer windows than others. It
// leaves out the last window, because no gap follows it. It returns the bit behind the last decoded code, and
// reports whether all were sound.
func (r *windowRun) last(bit uint64) (uint64, bool) {
	encoded := r.stream.Encoded[bit/8:]
	last := min(len(encoded)/codebook.WindowBytes, windows.BlockWindows) - 1
	if last < 1 {
		return bit + r.job.Gap, true
	}
	first := bit / codebook.WindowBits * codebook.GapBits / 8
	ok := r.blocks(r.job.Last(encoded, r.stream.gaps[first:]), last)
	return bit + uint64(last)*codebook.WindowBits + r.job.WindowGap(last), ok
}

// blocks decodes the blocks of the job, which lie in the given memory. Only the first count windows of a block
// matter if the assembly cannot follow it. It reports whether all blocks were sound.
func (r *windowRun) blocks(memory []byte, count int) bool {
	for {
		r.decoder(r.job)
		switch r.job.Status {
		case windows.BlockDone:
			return true
		case windows.BlockOverflow:
			r.job.Resume = 0
			return false
		}
		if !r.mend(memory, count) {
			return false
		}
		r.job.Resume = 1
	}
}

// noSymbols is a row without symbols.
var noSymbols = [windows.RowSymbols]byte(bytes.Repeat([]byte{windows.NoSymbol}, windows.RowSymbols))

// mend decodes in Go the windows of a block that the assembly could not follow. Only the first count windows
// matter. It reports whether all of these were sound.
func (r *windowRun) mend(memory []byte, count int) bool {
	for group, lanes := range r.job.Failed {
		for ; lanes != 0; lanes &= lanes - 1 {
			w := group*windows.LaneWindows + windows.WindowOfLane(bits.TrailingZeros32(lanes))
			if w < count && !r.mendWindow(memory, w) {
				return false
			}
		}
	}
	for w := count; w < windows.BlockWindows; w++ {
		r.job.SetRow(w, &noSymbols)
	}
	return true
}

// mendWindow decodes a window of the block in Go.
func (r *windowRun) mendWindow(memory []byte, w int) bool {
	var row [windows.RowSymbols + 8]byte // with room for the last table entry
	p, n := r.portable, 0
	block := uint64(uintptr(unsafe.Pointer(r.job.Src)) - uintptr(unsafe.Pointer(unsafe.SliceData(memory))))
	bit := 8*block + uint64(w)*codebook.WindowBits
	end := bit + codebook.WindowBits
	for bit += r.job.WindowGap(w); bit < end; {
		buf := window(memory, bit)
		e := p.table[buf>>portableShift]
		symbols, length := entrySymbols(e), e&63
		switch {
		case symbols == 0:
			symbol, codeLength := p.book.Decode(uint32(buf >> 32))
			if codeLength == 0 {
				return false
			}
			e, symbols, length = uint64(lookup.Rotate(symbol))<<56, 1, uint64(codeLength)
		case bit+length > end: // some of the last symbols may belong to the next window
			symbols, length = 1, p.codeLength(uint8(e>>56))
		}
		if n+symbols > windows.RowSymbols {
			return false
		}
		binary.BigEndian.PutUint64(row[n:], e)
		n += symbols
		bit += length
	}
	for ; n < windows.RowSymbols; n++ {
		row[n] = windows.NoSymbol
	}
	r.job.SetRow(w, (*[windows.RowSymbols]byte)(row[:]))
	return bit == end+r.job.WindowGap(w+1)
}

// flush writes the words before an element whose symbols are still in the job: those before the first cache line,
// and the pending ones.
func (r *windowRun) flush(to int) {
	r.job.Blocks = 0
	r.decoder(r.job)
	line := r.start + r.head
	r.mergeFew(r.start, min(to, line), r.job.Symbols(-r.head, r.head))
	r.mergeFew(line+int(r.job.Merged), to, r.job.Symbols(0, windows.MergeWords))
}

// mergeFew writes words [from, to), given their symbols.
func (r *windowRun) mergeFew(from, to int, symbols []byte) {
	if from >= to {
		return
	}
	var few [portionSymbols]byte
	copy(few[:], symbols[:to-from])
	mergeFew(r.dst[from-r.base:to-r.base], r.stream.SignMantissa[from:to], &few)
}
