package runtime

import (
	"context"
	"fmt"
)

// DecodeUnit writes the weights of a unit to dst, which has one word an element: the tensors of the
// unit one after another.
func (m *Model) DecodeUnit(ctx context.Context, name string, dst []uint16) error {
	return m.call(ctx, func(ctx context.Context) error {
		u, ok := m.byName[name]
		if !ok {
			return m.wrap(fmt.Errorf("no unit %q", name))
		}
		if len(dst) != u.Elements {
			return u.wrap(fmt.Errorf("%d elements into a buffer of %d", u.Elements, len(dst)))
		}
		return m.decode(ctx, u.whole(), dst)
	})
}

// DecodeTensor writes the weights of a tensor of some unit to dst, which has one word an element.
// It decodes, and checks, only the chunks of the unit that the tensor lies in.
func (m *Model) DecodeTensor(ctx context.Context, name string, dst []uint16) error {
	return m.call(ctx, func(ctx context.Context) error {
		s, err := m.tensor(name)
		if err != nil {
			return err
		}
		if len(dst) != s.elements() {
			return s.unit.wrap(fmt.Errorf("tensor %q: %d elements into a buffer of %d", name, s.elements(), len(dst)))
		}
		return m.decode(ctx, s, dst)
	})
}

// DecodePart is DecodeTensor for a part of the tensor: as many elements as dst has words, from element first
// on. A part that is not all of the tensor cannot be compared with its sum: see [WithChecks].
func (m *Model) DecodePart(ctx context.Context, name string, first int, dst []uint16) error {
	return m.call(ctx, func(ctx context.Context) error {
		s, err := m.tensor(name)
		if err != nil {
			return err
		}
		if n := s.elements(); first < 0 || first > n || len(dst) > n-first {
			return s.unit.wrap(fmt.Errorf("tensor %q: %d elements from %d on, it has %d", name, len(dst), first, n))
		}
		if len(dst) < s.elements() {
			s = s.part(first, len(dst))
		}
		return m.decode(ctx, s, dst)
	})
}

// tensor returns the span of a coded tensor.
func (m *Model) tensor(name string) (span, error) {
	p, ok := m.tensors[name]
	if !ok {
		if m.raw[name] != nil {
			return span{}, m.wrap(fmt.Errorf("tensor %q is not coded: ReadTensor reads it", name))
		}
		return span{}, m.wrap(fmt.Errorf("no coded tensor %q", name))
	}
	t := p.unit.tensors[p.number]
	return span{p.unit, t.from, t.to, p.number, p.number + 1, 0}, nil
}

// A span is what is decoded at once: elements [from, to) of a unit. The tensors [first, last) of the unit, which lie
// in it, are checked as often as checks says.
type span struct {
	unit        *unit
	from, to    int
	first, last int
	checks      Checks
}

// whole is the span of a unit.
func (u *unit) whole() span { return span{u, 0, u.Elements, 0, len(u.tensors), 0} }

// with is the span with checks.
func (s span) with(checks Checks) span {
	s.checks = checks
	return s
}

func (s span) elements() int { return s.to - s.from }

// part is n elements of the span from one on, which are not checked.
func (s span) part(from, n int) span {
	return span{unit: s.unit, from: s.from + from, to: s.from + from + n}
}

// decode writes a span to dst.
func (m *Model) decode(ctx context.Context, s span, dst []uint16) error {
	s = s.with(m.checks)
	if _, err := s.unit.prepare(); err != nil {
		return err
	}
	if s.from == s.to {
		if err := ctx.Err(); err != nil {
			return err
		}
		return newSums(s, dst).err()
	}
	if m.gpu != nil {
		if done, err := m.gpu.decode(ctx, s, dst); done || err != nil {
			return err
		}
	}
	return m.decodeOnCPU(ctx, s, dst)
}

// decodeOnCPU is decode without a GPU, for one element or more.
func (m *Model) decodeOnCPU(ctx context.Context, span span, dst []uint16) error {
	u, err := span.unit.prepare()
	if err != nil {
		return err
	}
	s, sums, from, to := u.stream, newSums(span, dst), span.from, span.to
	first, end := u.chunkOf(from), u.chunkOf(to-1)+1
	if start, _ := s.ChunkStart(first); start < from {
		stop, _ := s.ChunkStart(first + 1)
		n := min(to, stop) - from
		if err := u.decodePart(first, from, dst[:n]); err != nil {
			return err
		}
		sums.decoded(from, from+n)
		dst, from = dst[n:], from+n
		first++
	}
	var last []uint16 // what lies in a last chunk that goes on past the range
	if stop, _ := s.ChunkStart(end); first < end && stop > to {
		end--
		start, _ := s.ChunkStart(end)
		dst, last = dst[:start-from], dst[start-from:]
	}
	if err := newTask(u, m.workers, first, end, dst, sums).run(ctx); err != nil {
		return err
	}
	if len(last) > 0 {
		if err := u.decodePart(end, to-len(last), last); err != nil {
			return err
		}
		sums.decoded(to-len(last), to)
	}
	return sums.err()
}

// decodePart writes elements of chunk c, from one on, to dst. It checks the whole chunk. What the fast
// decoder rejects, the reference decides.
func (u *checkedUnit) decodePart(c, from int, dst []uint16) error {
	if u.decoder.decodePart(u.stream, c, from, dst) {
		return nil
	}
	start, _ := u.stream.ChunkStart(c)
	stop, _ := u.stream.ChunkStart(c + 1)
	whole := make([]uint16, stop-start)
	if err := u.reference(c, whole); err != nil {
		return err
	}
	copy(dst, whole[from-start:])
	return nil
}
