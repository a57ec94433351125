package runtime

import (
	"math/bits"
	"unsafe"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A run is what a lane is busy with: successive chunks, decoded through their borders.
type run struct {
	busy     bool
	chunk    int // the chunk that the lane is in
	chunkEnd int // one past its last element
	last     int // one past the last chunk
	at       int // the element that the lane is at
	end      int // one past the last element
}

// start gives lane i chunks [from, to). The lane stays idle if they hold too little for the assembly, and
// are done then.
func (d *deal) start(i, from, to int) {
	s := d.stream
	first, bit := s.ChunkStart(from)
	end, _ := s.ChunkStart(to)
	if first == end { // which only the last chunk of a stream may do
		return
	}
	last := len(s.Encoded) - 8
	src := min(int(bit/8), last)
	d.job.Lanes[i] = kernel.Lane{
		Src:          &s.Encoded[src],
		SrcLast:      &s.Encoded[last],
		Bit:          bit - 8*uint64(src),
		SignMantissa: &s.SignMantissa[first],
		Dst:          &d.dst[first-d.base],
		Left:         uint64(end - first),
	}
	chunkEnd, _ := s.ChunkStart(from + 1)
	r := &d.runs[i]
	*r = run{busy: true, chunk: from, chunkEnd: chunkEnd, last: to, at: first, end: end}
	if nearEnd(&d.job.Lanes[i]) && !d.finish(i, r) {
		d.stop(r)
	}
}

// follow checks the chunks that the run of lane i came past in a batch, and finishes the run if
// the assembly can't go on with it. It reports whether all was sound, if not with the bad chunk in
// r.chunk.
func (d *deal) follow(i int, r *run) bool {
	lane := &d.job.Lanes[i]
	from, to := r.at, r.end-int(lane.Left)
	for ; r.chunk < r.last && r.chunkEnd <= to; r.enter(d, r.chunk+1) {
		bit, ok := d.bitAt(i, from, r.chunkEnd)
		if !ok || !d.stream.EndsAt(r.chunk, bit) {
			return false
		}
	}
	r.at = to
	if to != from && !nearEnd(lane) {
		return true
	}
	return d.finish(i, r)
}

// finish ends the run of lane i and decodes the rest of it. It reports whether all was sound, if not with
// the bad chunk in r.chunk.
func (d *deal) finish(i int, r *run) bool {
	r.busy = false
	lane := &d.job.Lanes[i]
	bit := d.bit(uint64(uintptr(unsafe.Pointer(lane.Src)))) + lane.Bit
	for ; r.chunk < r.last; r.enter(d, r.chunk+1) {
		if !d.portable.finish(d.stream, r.chunk, bit, d.stream.SignMantissa[r.at:r.chunkEnd], d.dst[r.at-d.base:r.chunkEnd-d.base]) {
			return false
		}
		r.at, bit = d.stream.ChunkStart(r.chunk + 1)
	}
	return true
}

// enter moves the run on to chunk c.
func (r *run) enter(d *deal, c int) {
	r.chunk = c
	if c < r.last {
		r.chunkEnd, _ = d.stream.ChunkStart(c + 1)
	}
}

// bitAt returns the bit where the codes before an element end, by the marks that lane i left in a
// batch that began at element from.
func (d *deal) bitAt(i, from, element int) (bit uint64, ok bool) {
	var near kernel.Mark
	for t := range d.job.Turns + 1 {
		m := d.job.Marks[i][t]
		if from+int(m.N) > element {
			break
		}
		from += int(m.N)
		near = m
	}
	bit = d.bit(near.Src) + uint64(bits.TrailingZeros32(near.Buf))
	return d.portable.skip(d.stream.Encoded, bit, element-from)
}

// bit returns the number of the first bit of the stream's byte at an address.
func (d *deal) bit(address uint64) uint64 {
	return 8 * (address - uint64(uintptr(unsafe.Pointer(&d.stream.Encoded[0]))))
}

// nearEnd reports whether a lane has too little left for the assembly.
func nearEnd(l *kernel.Lane) bool {
	return l.Left < kernel.Slack || offset(l.SrcLast, l.Src) < kernel.SrcSlack
}
