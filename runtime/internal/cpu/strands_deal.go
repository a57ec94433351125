package cpu

import (
	"math"

	"github.com/seed54244801/bespoke/internal/strands"
)

// A deal gives the chunks of one call of decode to the strands of a job. At first each strand gets a stretch of as
// many chunks, because all strands decode at nearly the same rate. A strand that is done before others takes over
// half of the chunks that another has left.
type deal struct {
	*byStrands
	stream    *stream
	dst       []uint16
	base      int // the first element of dst
	job       *strands.Job
	to        int // one past the last chunk to decode; lowered to the first bad one
	stretches [strands.Count]stretch
	// borders are those that each strand may come to in a call of the assembly.
	borders [strands.Count][strands.CallMarks]border

	// The turns of all stretches up to now, and the number of elements decoded in them. They predict how many turns a
	// stretch takes to its end.
	turns, elements int
}

// begin deals out chunks [from, d.to).
func (d *deal) begin(from int) {
	d.base, _ = d.stream.ChunkStart(from)
	d.turns, d.elements = 1, strands.TurnSymbols // the largest number of elements that a turn can decode
	to, n := d.to, strands.Count
	for i := range n {
		first, last := from+(to-from)*i/n, from+(to-from)*(i+1)/n
		if first < min(last, d.to) {
			d.start(i, first, last)
		}
	}
}

// plan gives idle strands something to do, and sets the turns of the next call of the assembly. It reports whether
// any strand has a stretch.
func (d *deal) plan() bool {
	n := strands.Count
	for i := range n {
		for !d.stretches[i].busy && d.share(i) {
		}
	}
	live, least, most := -1, math.MaxInt, 0
	for i := range n {
		if r := &d.stretches[i]; r.busy {
			left := (r.end-r.at)*d.turns/d.elements + 1
			live, least, most = i, min(least, left), max(most, left)
		}
	}
	if live < 0 {
		return false
	}
	// If the first strand to end could not take over a chunk from another, ask for all turns up to the end of the
	// last one. The assembly stops when a strand has no room, whatever it is asked for.
	chunk := d.stream.Elements() / d.stream.Chunks() * d.turns / d.elements
	if most-least < chunk {
		least = most
	}
	d.job.Turns = uint64(min(least, strands.CallTurns))
	for i := range n {
		if r := &d.stretches[i]; r.busy {
			d.ahead(i, r)
		} else {
			d.job.Idle(i, live)
		}
	}
	return true
}

// share gives idle strand i half of the chunks of the stretch that has most left. It reports whether it took chunks
// away from a stretch.
func (d *deal) share(i int) bool {
	from, most := 0, 1
	for j := range d.stretches {
		if r := &d.stretches[j]; r.busy && r.last-r.chunk > most {
			from, most = j, r.last-r.chunk
		}
	}
	to := d.stretches[from].last
	if most < 2 || !d.shorten(from, to-most/2) {
		return false
	}
	if first := to - most/2; first < d.to { // a bad chunk found by shorten lowers d.to
		d.start(i, first, to)
	}
	return true
}

// look brings the stretches up to date after a call of the assembly. It checks the ends of the chunks that were
// decoded, and finishes each stretch that is at its end or that the assembly has no room for any more.
func (d *deal) look() {
	for i := range strands.Count {
		if r := &d.stretches[i]; r.busy && !d.follow(i, r) {
			d.stop(r)
		}
	}
}

// stop ends a stretch at a bad chunk. Chunks behind that one do not matter any more. Those before it do.
func (d *deal) stop(bad *stretch) {
	d.to = bad.chunk
	for i := range d.stretches {
		r := &d.stretches[i]
		r.busy = r.busy && r.chunk < d.to
	}
}
