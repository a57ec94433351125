package cpu

import (
	"math/bits"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/lanes"
)

// A run is what a lane is busy with: successive chunks, decoded through their borders.
type run struct {
	busy  bool
	chunk int    // the chunk that the lane is in
	last  int    // one past the last chunk
	end   int    // one past the last element
	at    int    // the element that the lane is at
	bit   uint64 // where its code begins
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
	*r = run{chunk: from, last: to, end: end, at: first, bit: bit}
	if d.full(r) {
		if !d.finish(r) {
			d.stop(r)
		}
		return
	}
	r.busy = true
	src := r.bit / 8
	d.job.Lanes[i] = lanes.Lane{
		Src:          &s.Encoded[src],
		SrcLast:      &s.Encoded[len(s.Encoded)-8],
		Bit:          r.bit % 8,
		SignMantissa: &s.SignMantissa[r.at],
		Dst:          &d.dst[r.at-d.base],
		Left:         uint64(r.end - r.at),
	}
}

// full reports whether the assembly has no room for a run.
func (d *deal) full(r *run) bool {
	return r.end-r.at < lanes.Slack || int(r.bit/8)+lanes.SrcSlack+8 > len(d.stream.Encoded)
}

// ahead looks up the borders that the run of lane i can come to in a batch, and has them marked.
func (d *deal) ahead(i int, r *run) {
	lane, marks := &d.job.Lanes[i], &d.job.Marks[i]
	reach := uint64(uintptr(unsafe.Pointer(lane.Src))) + d.job.Turns*lanes.TurnBytes
	n := 0
	for ; n < lanes.BatchMarks && r.chunk+1+n <= r.last; n++ {
		b := &d.borders[i][n]
		b.element, b.bit = d.stream.ChunkStart(r.chunk + 1 + n)
		marks[n].Border = d.address(b.bit / 8)
		if marks[n].Border > reach {
			return
		}
	}
	marks[n].Border = lanes.NoBorder
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
	at := r.end - int(lane.Left)
	n := at - r.at
	r.at, r.bit = at, d.bitOf(lane.Src)+lane.Bit
	d.turns += int(d.job.Turns)
	d.elements += n
	if n > 0 && r.chunk < r.last && r.at < r.end && !d.full(r) {
		return true
	}
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
	d.job.Lanes[i].Left -= uint64(r.end - end)
	r.last, r.end = chunk, end
	// A lane without room holds up all others.
	if d.full(r) && !d.finish(r) {
		d.stop(r)
	}
	return true
}

// sound reports whether the codes from a mark on end where the border is.
func (d *deal) sound(m *lanes.Mark, b border) bool {
	at := int(m.Element - uint64(uintptr(unsafe.Pointer(unsafe.SliceData(d.stream.SignMantissa)))))
	n := b.element - at
	// The assembly does not come to the last elements of a stream.
	if n < 0 || n > lanes.TurnSymbols || b.element == d.stream.Elements() {
		return false
	}
	bit, ok := d.portable.skip(d.stream.Encoded, 8*(m.Src-d.address(0))+uint64(bits.TrailingZeros64(m.Buf)), n)
	return ok && bit == b.bit
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
