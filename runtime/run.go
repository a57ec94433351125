package runtime

import (
	"math/bits"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A run is what a lane is busy with: successive chunks, decoded through their borders. With form Slots the
// lane runs on beyond the last one until the batch ends.
type run struct {
	busy  bool
	chunk int    // the chunk that the lane is in
	last  int    // one past the last chunk
	end   int    // one past the last element
	at    int    // the element that the lane is at
	bit   uint64 // where its code begins
	limit int    // one past the last element that the assembly may write
}

// A border is where a chunk starts.
type border struct {
	element int
	bit     uint64
}

// start gives lane i chunks [from, to). The lane stays idle if the assembly has no room there, and they
// are done then.
func (d *deal) start(i, from, to int) {
	s := d.stream
	first, bit := s.ChunkStart(from)
	end, _ := s.ChunkStart(to)
	if first == end { // which only the last chunk of a stream may do
		return
	}
	r := &d.runs[i]
	*r = run{chunk: from, last: to, end: end, at: first, bit: bit, limit: end}
	if d.decoder.Form == kernel.Slots {
		r.limit = d.base + len(d.dst)
	}
	next, _ := s.ChunkStart(from + 1)
	head := d.head(first)
	// Chunks of fewer elements than a head's are the last ones of streams, or not sound.
	if head > next-first || d.full(r, head) {
		if !d.finish(r) {
			d.stop(r)
		}
		return
	}
	if !d.decodeTo(r, first+head) {
		d.stop(r)
		return
	}
	r.busy = true
	src := r.bit / 8
	d.job.Lanes[i] = kernel.Lane{
		Src:          &s.Encoded[src],
		SrcLast:      &s.Encoded[len(s.Encoded)-8],
		Bit:          r.bit % 8,
		SignMantissa: &s.SignMantissa[r.at],
		Dst:          &d.dst[r.at-d.base],
		Left:         uint64(r.limit - r.at),
	}
}

// head returns the number of elements from one on to decode ahead of the assembly: those before the next
// line of memory, where it is to write around the caches.
func (d *deal) head(element int) int {
	if d.job.Stream == 0 && !d.stream.cached || d.decoder.Form != kernel.Slots {
		return 0
	}
	return int(-uintptr(unsafe.Pointer(&d.dst[element-d.base])) % kernel.LineSize / 2)
}

// full reports whether the assembly has no room for a run, or would have none after a number of elements.
func (d *deal) full(r *run, after int) bool {
	const longest = codebook.MaxLength / 8
	return r.limit-r.at-after < d.decoder.Form.Slack() ||
		int(r.bit/8)+after*longest+kernel.SrcSlack+8 > len(d.stream.Encoded)
}

// ahead looks up the borders that the run of lane i can come to in a batch, and has them marked.
func (d *deal) ahead(i int, r *run) {
	lane, marks := &d.job.Lanes[i], &d.job.Marks[i]
	reach := uint64(uintptr(unsafe.Pointer(lane.Src))) + d.job.Turns*kernel.TurnBytes
	n := 0
	for ; n < kernel.BatchMarks && r.chunk+1+n <= r.last; n++ {
		b := &d.borders[i][n]
		b.element, b.bit = d.stream.ChunkStart(r.chunk + 1 + n)
		marks[n].Border = d.address(b.bit / 8)
		if marks[n].Border > reach {
			return
		}
	}
	marks[n].Border = kernel.NoBorder
}

// follow checks the borders that the run of lane i crossed in a batch, and finishes the run if it is at
// its end or the assembly can't go on with it. It reports whether all was sound, if not with the bad chunk in
// r.chunk.
func (d *deal) follow(i int, r *run) bool {
	for k := range int(d.job.Lanes[i].Marked) {
		if !d.sound(&d.job.Marks[i][k], d.borders[i][k]) {
			return false
		}
		r.chunk++
	}
	lane := &d.job.Lanes[i]
	at := r.limit - int(lane.Left-lane.Pending)
	n := at - r.at
	r.at, r.bit = at, d.bitOf(lane.Src)+lane.Bit
	d.turns += int(d.job.Turns)
	d.elements += n
	if n > 0 && r.chunk < r.last && r.at < r.end && !d.full(r, 0) {
		return true
	}
	d.mergePending(i, r)
	return d.finish(r)
}

// shorten takes the chunks of the run of lane i from one on away. It reports whether the run has not come to
// them yet.
func (d *deal) shorten(i, chunk int) bool {
	r := &d.runs[i]
	end, _ := d.stream.ChunkStart(chunk)
	if r.at > end {
		return false
	}
	r.last, r.end = chunk, end
	if d.decoder.Form == kernel.Bytes {
		d.job.Lanes[i].Left -= uint64(r.limit - end)
		r.limit = end
		// A lane without room holds up all others.
		if d.full(r, 0) && !d.finish(r) {
			d.stop(r)
		}
	}
	return true
}

// sound reports whether the codes from a mark on end where the border is.
func (d *deal) sound(m *kernel.Mark, b border) bool {
	at := int(m.Element - uint64(uintptr(unsafe.Pointer(unsafe.SliceData(d.stream.SignMantissa)))))
	n := b.element - at
	// The assembly does not come to the last elements of a stream.
	if n < 0 || n > d.decoder.Form.TurnSymbols() || b.element == d.stream.Elements() {
		return false
	}
	bit, ok := d.skip(d.stream.Encoded, 8*(m.Src-d.address(0))+uint64(bits.TrailingZeros64(m.Buf)), n)
	return ok && bit == b.bit
}

// mergePending writes the words of the run's symbols that lane i has pending.
func (d *deal) mergePending(i int, r *run) {
	first := r.at - int(d.job.Lanes[i].Pending)
	if to := min(r.at, r.end); first < to {
		mergeFew(d.dst[first-d.base:to-d.base], d.stream.SignMantissa[first:to], (*[batchSymbols]byte)(d.job.Pending(i)))
	}
}

// finish ends a run: it decodes what the assembly left over. It reports whether all was sound, if not
// with the bad chunk in r.chunk.
func (d *deal) finish(r *run) bool {
	r.busy = false
	for ; r.chunk < r.last; r.chunk++ {
		end, next := d.stream.ChunkStart(r.chunk + 1)
		if r.at > end || !d.decodeTo(r, end) || !d.stream.EndsAt(r.chunk, r.bit) {
			return false
		}
		r.bit = next
	}
	// The first codes behind a border may belong to the chunk before it.
	return r.at >= r.end || d.decodeTo(r, r.end)
}

// decodeTo decodes the elements of a run before one of them in Go. It reports whether all were sound.
func (d *deal) decodeTo(r *run, element int) bool {
	if r.at == element {
		return true
	}
	var ok bool
	r.bit, ok = d.portable.rest(d.stream.Encoded, r.bit, d.stream.SignMantissa[r.at:element], d.dst[r.at-d.base:element-d.base])
	r.at = element
	return ok
}

// address returns the address of a byte of the stream.
func (d *deal) address(i uint64) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(d.stream.Encoded)))) + i
}

// bitOf returns the number of the first bit of a byte of the stream.
func (d *deal) bitOf(p *byte) uint64 {
	return 8 * (uint64(uintptr(unsafe.Pointer(p))) - d.address(0))
}
