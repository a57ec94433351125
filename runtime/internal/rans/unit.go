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
	parts   []part
	err     error
}

// A part is what is decoded side by side: the blocks [first, end) of a tensor. They have the elements [from, to) of the
// unit.
type part struct {
	tensor, first, end int
	from, to           int
}

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

// split checks the streams and divides them into parts.
func (u *checkedUnit) split(family string) error {
	for i, s := range u.RANS {
		stream, err := New(s, family)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", u.Tensors[i].Name, err)
		}
		u.streams = append(u.streams, stream)
		from := u.Tensors[i].From
		for first := 0; first < s.Len(); first += states.Blocks {
			p := part{tensor: i, first: first, end: min(s.Len(), first+states.Blocks), from: from}
			p.to = min(u.Tensors[i].To, from+(p.end-p.first)*s.BlockWeights)
			u.parts = append(u.parts, p)
			from = p.to
		}
	}
	return nil
}

// within returns the part without the blocks that have no element of a span.
func (p part) within(s coded.Span, blockWeights int) part {
	if n := (s.From - p.from) / blockWeights; n > 0 {
		p.first += n
		p.from += n * blockWeights
	}
	if n := (s.To - p.from + blockWeights - 1) / blockWeights; n < p.end-p.first {
		p.end = p.first + n
		p.to = p.from + n*blockWeights
	}
	return p
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

// task prepares the decoding of a span to dst.
func (u *checkedUnit) task(s coded.Span, workers int, dst []uint16, check *coded.Check) *coded.Task {
	from := sort.Search(len(u.parts), func(i int) bool { return u.parts[i].to > s.From })
	to := sort.Search(len(u.parts), func(i int) bool { return u.parts[i].from >= s.To })
	through := check != nil || 2*len(dst) <= cachedBytes
	return coded.NewTask(from, to, workers, coded.Pieces{Least: 1, Most: 8, Multiple: 1}, check, func(from, to int) (bad int, err error) {
		err = fault.Guard(func() error {
			for bad = from; bad < to; bad++ {
				if err := u.part(u.parts[bad], s, through, dst, check); err != nil {
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

// part decodes what a part has of a span to its place in dst.
func (u *checkedUnit) part(p part, s coded.Span, through bool, dst []uint16, check *coded.Check) error {
	stream := u.streams[p.tensor]
	p = p.within(s, stream.BlockWeights)
	from, to := max(s.From, p.from), min(s.To, p.to)
	dst = dst[from-s.From : to-s.From]
	whole := dst
	if len(dst) < p.to-p.from {
		whole = make([]uint16, p.to-p.from)
	}
	if err := stream.decode(p.first, p.end, through, whole); err != nil {
		return u.Wrap(fmt.Errorf("tensor %q: %w", u.Tensors[p.tensor].Name, err))
	}
	if len(dst) < len(whole) {
		copy(dst, whole[from-p.from:])
	}
	check.Decoded(from, to)
	return nil
}

// Strips returns the number of strips in which a tensor is multiplied as a matrix of a number of columns. It is 0 if the
// weights have to be decoded first.
func (u *Unit) Strips(tensor, columns int) int {
	c := u.prepare()
	if c.err != nil || !c.streams[tensor].Multiplies(columns) {
		return 0
	}
	return len(c.strips(tensor))
}

// MultiplyStrip multiplies the rows of a strip of a tensor: see [Stream.Multiply]. y and stride are those of the whole
// matrix.
func (u *Unit) MultiplyStrip(tensor, strip int, v *product.Vectors, y []float32, stride int) error {
	c := u.prepare()
	p := c.strips(tensor)[strip]
	row := (p.from - u.Tensors[tensor].From) / v.Cols()
	if err := c.streams[tensor].Multiply(p.first, p.end, v, y[row:], stride); err != nil {
		return u.Wrap(fmt.Errorf("tensor %q: %w", u.Tensors[tensor].Name, err))
	}
	return nil
}

// strips returns the parts of a tensor.
func (u *checkedUnit) strips(tensor int) []part {
	first := sort.Search(len(u.parts), func(i int) bool { return u.parts[i].tensor >= tensor })
	end := sort.Search(len(u.parts), func(i int) bool { return u.parts[i].tensor > tensor })
	return u.parts[first:end]
}
