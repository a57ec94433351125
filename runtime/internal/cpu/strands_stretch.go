package cpu

import (
	"math/bits"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/strands"
)

// A stretch is the successive chunks that a strand is busy with. The strand decodes on past the borders between them.
type stretch struct {
	busy  bool
	chunk int    // the chunk that the strand is in
	last  int    // one past the last chunk
	end   int    // one past the last element
	at    int    // the element that the strand is at
	bit   uint64 // where the code of that element begins
}

// A border is the place where a chunk starts.
type border struct {
	element int
	bit     uint64
}

// start gives strand i chunks [from, to). If the assembly has no room for them, start decodes them in Go, and the
// strand stays idle.
func (d *deal) start(i, from, to int) {
	s := d.stream
	first, bit := s.ChunkStart(from)
	end, _ := s.ChunkStart(to)
	if first == end { // only the last chunk of a stream may be empty
		return
	}
	r := &d.stretches[i]
	*r = stretch{chunk: from, last: to, end: end, at: first, bit: bit}
	if d.full(r) {
		if !d.finish(r) {
			d.stop(r)
		}
		return
	}
	r.busy = true
	src := r.bit / 8
	d.job.Strands[i] = strands.Strand{
		Src:          &s.Encoded[src],
		SrcLast:      &s.Encoded[len(s.Encoded)-8],
		Bit:          r.bit % 8,
		SignMantissa: &s.SignMantissa[r.at],
		Dst:          &d.dst[r.at-d.base],
		Left:         uint64(r.end - r.at),
	}
}

// full reports whether the assembly has no room for a turn of a stretch.
func (d *deal) full(r *stretch) bool {
	return r.end-r.at < strands.Slack || int(r.bit/8)+strands.SrcSlack+8 > len(d.stream.Encoded)
}

// ahead looks up the borders that the stretch of strand i can come to in a call, and asks for a mark at each.
func (d *deal) ahead(i int, r *stretch) {
	strand, marks := &d.job.Strands[i], &d.job.Marks[i]
	reach := uint64(uintptr(unsafe.Pointer(strand.Src))) + d.job.Turns*strands.TurnBytes
	n := 0
	for ; n < strands.CallMarks && r.chunk+1+n <= r.last; n++ {
		b := &d.borders[i][n]
		b.element, b.bit = d.stream.ChunkStart(r.chunk + 1 + n)
		marks[n].Border = d.address(b.bit / 8)
		if marks[n].Border > reach {
			return
		}
	}
	marks[n].Border = strands.NoBorder
}

// follow checks the borders that the stretch of strand i came to in a call. It finishes the stretch if that is at
// its end or if the assembly cannot go on with it. It reports whether all chunks were sound. If not, r.chunk is the
// bad one.
func (d *deal) follow(i int, r *stretch) bool {
	for k := range int(d.job.Strands[i].Marked) {
		if !d.sound(&d.job.Marks[i][k], d.borders[i][k]) {
			return false
		}
		r.chunk++
	}
	strand := &d.job.Strands[i]
	at := r.end - int(strand.Left)
	n := at - r.at
	r.at, r.bit = at, d.bitOf(strand.Src)+strand.Bit
	d.turns += int(d.job.Turns)
	d.elements += n
	if n > 0 && r.chunk < r.last && r.at < r.end && !d.full(r) {
		return true
	}
	return d.finish(r)
}

// shorten takes the chunks from a given one on away from the stretch of strand i. It does nothing and reports false
// if the strand has come past the start of that chunk.
func (d *deal) shorten(i, chunk int) bool {
	r := &d.stretches[i]
	end, _ := d.stream.ChunkStart(chunk)
	if r.at > end {
		return false
	}
	d.job.Strands[i].Left -= uint64(r.end - end)
	r.last, r.end = chunk, end
	// A strand without room would hold up all others.
	if d.full(r) && !d.finish(r) {
		d.stop(r)
	}
	return true
}

// sound reports whether the codes from a mark on lead to the border: its element begins at its bit.
func (d *deal) sound(m *strands.Mark, b border) bool {
	at := int(m.Element - uint64(uintptr(unsafe.Pointer(unsafe.SliceData(d.stream.SignMantissa)))))
	n := b.element - at
	// The assembly does not decode the last elements of a stream.
	if n < 0 || n > strands.TurnSymbols || b.element == d.stream.Elements() {
		return false
	}
	bit, ok := d.portable.skip(d.stream.Encoded, 8*(m.Src-d.address(0))+uint64(bits.TrailingZeros64(m.Buf)), n)
	return ok && bit == b.bit
}

// finish ends a stretch: it decodes in Go the elements that the assembly left over. It reports whether all chunks
// were sound. If not, r.chunk is the bad one.
func (d *deal) finish(r *stretch) bool {
	r.busy = false
	for ; r.chunk < r.last; r.chunk++ {
		end, next := d.stream.ChunkStart(r.chunk + 1)
		if r.at > end || !d.decodeTo(r, end) || !d.stream.EndsAt(r.chunk, r.bit) {
			return false
		}
		r.bit = next
	}
	// A strand that came to the byte of the last border may have an element before it left.
	return r.at >= r.end || d.decodeTo(r, r.end)
}

// decodeTo decodes the elements of a stretch up to a given one in Go. It reports whether all were sound.
func (d *deal) decodeTo(r *stretch, element int) bool {
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
