package rans

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/product"
)

// A Unit is a coded unit: a stream for each tensor. All methods may be called from several goroutines at once.
type Unit struct {
	*coded.Unit
	family string

	checking sync.Mutex
	checked  atomic.Pointer[checkedUnit] // the result of the first prepare
}

// NewUnit returns a unit that is decoded by a family of decoders. The unit is not read before the first call of a method.
func NewUnit(u *coded.Unit, family string) *Unit { return &Unit{Unit: u, family: family} }

// A checkedUnit is a unit that can be decoded, or one that cannot be, and the error that says why.
type checkedUnit struct {
	*coded.Unit
	streams []*Stream // of its tensors
	blocks  []block   // of all tensors, one after another
	groups  []group   // of the blocks
	err     error
}

// A block is a block of a tensor. It has the elements [from, to) of the unit.
type block struct {
	tensor, number int
	from, to       int
}

// A group is blocks [first, end) of a unit, which are decoded side by side: of one form, and of one tensor if that has
// enough.
type group struct{ first, end int }

// Prepare checks the streams of the unit when it is called for the first time. Later calls return the same error. A
// fault of mapped memory is left to the caller's fault.Guard, and the next call checks the streams again.
func (u *Unit) Prepare() error { return u.prepare().err }

// prepare is Prepare, and returns the checked unit.
func (u *Unit) prepare() *checkedUnit {
	if c := u.checked.Load(); c != nil {
		return c
	}
	u.checking.Lock()
	defer u.checking.Unlock()
	c := u.checked.Load()
	if c == nil {
		c = &checkedUnit{Unit: u.Unit}
		if c.err = c.split(u.family); c.err != nil {
			c.err = u.Wrap(c.err)
		}
		u.checked.Store(c)
	}
	return c
}

// split checks the streams and lists their blocks and groups.
func (u *checkedUnit) split(family string) error {
	for i, s := range u.RANS {
		stream, err := New(s, family)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", u.Tensors[i].Name, err)
		}
		u.streams = append(u.streams, stream)
		from := u.Tensors[i].From
		for number := range s.Len() {
			to := min(u.Tensors[i].To, from+s.BlockWeights)
			u.add(block{i, number, from, to})
			from = to
		}
	}
	return nil
}

// add adds the next block, to the last group or to a new one.
func (u *checkedUnit) add(b block) {
	n, last := len(u.blocks), len(u.groups)-1
	u.blocks = append(u.blocks, b)
	s := u.streams[b.tensor]
	switch {
	case last < 0, n-u.groups[last].first == states.Blocks:
	case s.Form != u.streams[u.blocks[n-1].tensor].Form:
	case b.number == 0 && s.Len() >= states.Blocks:
	default:
		u.groups[last].end++
		return
	}
	u.groups = append(u.groups, group{n, n + 1})
}

// Task prepares the decoding of the whole unit with the given number of workers. If check is not nil, it checks the
// decoded elements. The error is that of [Unit.Prepare].
func (u *Unit) Task(workers int, dst []uint16, check *coded.Check) (*coded.Task, error) {
	c := u.prepare()
	if c.err != nil {
		return nil, c.err
	}
	return c.task(u.Whole(), workers, dst, check), nil
}

// Decode writes a span of the unit to dst, with at most the given number of goroutines. The span has one element or
// more. It reports the decoded elements to the check. If it has no error of its own, it returns the error of the check.
func (u *Unit) Decode(ctx context.Context, span coded.Span, workers int, dst []uint16, check *coded.Check) error {
	c := u.prepare()
	if c.err != nil {
		return c.err
	}
	if err := c.task(span, workers, dst, check).Run(ctx); err != nil {
		return err
	}
	return check.Err()
}

// pieces bounds the number of groups that a worker takes at a time.
var pieces = coded.Pieces{Least: 1, Most: 8, Multiple: 1}

// task prepares the decoding of a span to dst.
func (u *checkedUnit) task(s coded.Span, workers int, dst []uint16, check *coded.Check) *coded.Task {
	t := target{checkedUnit: u, span: s, dst: dst, through: check != nil || 2*len(dst) <= cachedBytes, check: check}
	t.first = sort.Search(len(u.blocks), func(i int) bool { return u.blocks[i].to > s.From })
	t.end = sort.Search(len(u.blocks), func(i int) bool { return u.blocks[i].from >= s.To })
	from := sort.Search(len(u.groups), func(i int) bool { return u.groups[i].end > t.first })
	to := sort.Search(len(u.groups), func(i int) bool { return u.groups[i].first >= t.end })
	return u.taskOf(from, to, workers, check, t.decode)
}

// taskOf prepares work on groups [from, to).
func (u *checkedUnit) taskOf(from, to, workers int, check *coded.Check, work func(group) error) *coded.Task {
	return coded.NewTask(from, to, workers, pieces, check, func(from, to int) (bad int, err error) {
		err = fault.Guard(func() error {
			for bad = from; bad < to; bad++ {
				if err := work(u.groups[bad]); err != nil {
					return err
				}
			}
			return nil
		})
		if _, gone := errors.AsType[*fault.Error](err); gone {
			return from, u.Wrap(err)
		}
		return bad, err
	})
}

// A target is where the weights of a span go.
type target struct {
	*checkedUnit
	span       coded.Span
	first, end int // the blocks [first, end) have weights of the span
	dst        []uint16
	through    bool // written through the caches
	check      *coded.Check
}

// decode decodes the blocks of a group that have weights of the span.
func (t *target) decode(g group) error {
	first, end := max(g.first, t.first), min(g.end, t.end)
	var memory [states.Blocks]progress
	all := memory[:0]
	sound := true
	for i := first; i < end && sound; i++ {
		b := &t.blocks[i]
		var dst []uint16
		if t.whole(b) {
			dst = t.dst[b.from-t.span.From : b.to-t.span.From]
		} else {
			dst = make([]uint16, b.to-b.from)
		}
		var p progress
		if p, sound = t.streams[b.tensor].start(b.number, dst); sound {
			all = append(all, p)
		}
	}
	bad, cause := decodeBlocks(all, t.through)
	if cause == 0 && !sound {
		cause = rans.BadState
	}
	for i := range all[:bad] {
		b := &t.blocks[first+i]
		from, to := max(b.from, t.span.From), min(b.to, t.span.To)
		if !t.whole(b) {
			copy(t.dst[from-t.span.From:to-t.span.From], all[i].dst[from-b.from:])
		}
		t.check.Decoded(from, to)
	}
	if cause != 0 {
		b := &t.blocks[first+bad]
		return t.Wrap(fmt.Errorf("tensor %q: %w", t.Tensors[b.tensor].Name, &rans.BlockError{Block: b.number, Cause: cause}))
	}
	return nil
}

// whole reports whether a block lies in the span.
func (t *target) whole(b *block) bool { return b.from >= t.span.From && b.to <= t.span.To }

// Strips returns the number of strips in which a tensor is multiplied as a matrix of a number of columns. It is 0 if the
// weights have to be decoded first.
func (u *Unit) Strips(tensor, columns int) int {
	c := u.prepare()
	if c.err != nil || !c.streams[tensor].Multiplies(columns) {
		return 0
	}
	return (c.streams[tensor].Len() + states.Blocks - 1) / states.Blocks
}

// MultiplyStrip multiplies the rows of a strip of a tensor: see [Stream.Multiply]. y and stride are those of the whole
// matrix.
func (u *Unit) MultiplyStrip(tensor, strip int, v *product.Vectors, y []float32, stride int) error {
	s := u.prepare().streams[tensor]
	first := strip * states.Blocks
	row := first * s.BlockWeights / v.Cols()
	if err := s.Multiply(first, min(first+states.Blocks, s.Len()), v, y[row:], stride); err != nil {
		return u.Wrap(fmt.Errorf("tensor %q: %w", u.Tensors[tensor].Name, err))
	}
	return nil
}
