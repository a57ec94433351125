package cpu

import (
	"math"

	"github.com/seed54244801/bespoke/internal/lanes"
)

// A deal hands the chunks of one call of decode out to the lanes of a job: as many to each, as the lanes
// use up their streams at nearly the same rate. A lane that is done before others takes over half of
// what one of them has left.
type deal struct {
	*byLanes
	stream *stream
	dst    []uint16
	base   int // the first element of dst
	job    *lanes.Job
	to     int // one past the last chunk to decode; lowered to the first bad one
	runs   [lanes.MaxLanes]run
	// borders are those that lanes may cross in a batch.
	borders [lanes.MaxLanes][lanes.BatchMarks]border

	// Turns of runs up to now, and what they yielded: to foretell how many a run takes to its end.
	turns, elements int
}

// begin deals out chunks [from, d.to).
func (d *deal) begin(from int) {
	d.base, _ = d.stream.ChunkStart(from)
	d.turns, d.elements = 1, lanes.TurnSymbols // the most there can be
	to, n := d.to, lanes.MaxLanes
	for i := range n {
		first, last := from+(to-from)*i/n, from+(to-from)*(i+1)/n
		if first < min(last, d.to) {
			d.start(i, first, last)
		}
	}
}

// plan gives idle lanes something to do, and sets the turns of the next batch. It reports whether any
// lane has a run.
func (d *deal) plan() bool {
	n := lanes.MaxLanes
	for i := range n {
		for !d.runs[i].busy && d.share(i) {
		}
	}
	live, least, most := -1, math.MaxInt, 0
	for i := range n {
		if r := &d.runs[i]; r.busy {
			left := (r.end-r.at)*d.turns/d.elements + 1
			live, least, most = i, min(least, left), max(most, left)
		}
	}
	if live < 0 {
		return false
	}
	// Where the first one to end can't take over a chunk from another, it may as well run on into the run
	// behind its own, whose elements it decodes to no effect.
	chunk := d.stream.Elements() / d.stream.Chunks() * d.turns / d.elements
	if most-least < chunk {
		least = most
	}
	d.job.Turns = uint64(min(least, lanes.BatchTurns))
	for i := range n {
		if r := &d.runs[i]; r.busy {
			d.ahead(i, r)
		} else {
			d.job.Idle(i, live)
		}
	}
	return true
}

// share gives idle lane i half of the chunks of the run that has most left. It reports whether there was
// one with a chunk to spare.
func (d *deal) share(i int) bool {
	from, most := 0, 1
	for j := range d.runs {
		if r := &d.runs[j]; r.busy && r.last-r.chunk > most {
			from, most = j, r.last-r.chunk
		}
	}
	to := d.runs[from].last
	if most < 2 || !d.shorten(from, to-most/2) {
		return false
	}
	if first := to - most/2; first < d.to { // which a bad chunk before it lowers
		d.start(i, first, to)
	}
	return true
}

// look follows the runs through a batch: it checks the ends of the chunks that they came past, and
// finishes the runs that are at their end or that the assembly has no room for any more.
func (d *deal) look() {
	for i := range lanes.MaxLanes {
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
