package runtime

import (
	"context"
	"fmt"
)

// DecodeUnit writes the weights of a unit to dst, which has one word an element: the tensors of the
// unit one after another.
func (m *Model) DecodeUnit(ctx context.Context, name string, dst []uint16) error {
	u, ok := m.byName[name]
	if !ok {
		return fmt.Errorf("runtime: %s: no unit %q", m.path, name)
	}
	if len(dst) != u.Elements {
		return u.wrap(fmt.Errorf("%d elements into a buffer of %d", u.Elements, len(dst)))
	}
	return m.decodeRange(ctx, u, 0, u.Elements, dst)
}

// DecodeTensor writes the weights of a tensor of some unit to dst, which has one word an element.
// It decodes, and checks, only the chunks of the unit that the tensor lies in.
func (m *Model) DecodeTensor(ctx context.Context, name string, dst []uint16) error {
	part, err := m.part(name)
	if err != nil {
		return err
	}
	if n := part.to - part.from; len(dst) != n {
		return part.unit.wrap(fmt.Errorf("tensor %q: %d elements into a buffer of %d", name, n, len(dst)))
	}
	return m.decodeRange(ctx, part.unit, part.from, part.to, dst)
}

// DecodePart is DecodeTensor for a part of the tensor: as many elements as dst has words, from element first
// on.
func (m *Model) DecodePart(ctx context.Context, name string, first int, dst []uint16) error {
	part, err := m.part(name)
	if err != nil {
		return err
	}
	if n := part.to - part.from; first < 0 || first > n || len(dst) > n-first {
		return part.unit.wrap(fmt.Errorf("tensor %q: %d elements from %d on, it has %d", name, len(dst), first, n))
	}
	return m.decodeRange(ctx, part.unit, part.from+first, part.from+first+len(dst), dst)
}

// part finds a coded tensor.
func (m *Model) part(name string) (part, error) {
	p, ok := m.tensors[name]
	if !ok {
		return part{}, fmt.Errorf("runtime: %s: no coded tensor %q", m.path, name)
	}
	return p, nil
}

// decodeRange writes the elements [from, to) of a unit to dst.
func (m *Model) decodeRange(ctx context.Context, u *unit, from, to int, dst []uint16) error {
	if _, err := u.prepare(); err != nil {
		return err
	}
	if from == to {
		return ctx.Err()
	}
	if m.gpu != nil {
		if done, err := m.gpu.decodeRange(ctx, u, from, to, dst); done || err != nil {
			return err
		}
	}
	return m.decodeOnCPU(ctx, u, from, to, dst)
}

// decodeOnCPU is decodeRange without a GPU, for one element or more.
func (m *Model) decodeOnCPU(ctx context.Context, u *unit, from, to int, dst []uint16) error {
	d, err := u.prepare()
	if err != nil {
		return err
	}
	s := &u.stream
	first, end := u.chunkOf(from), u.chunkOf(to-1)+1
	if start, _ := s.ChunkStart(first); start < from {
		stop, _ := s.ChunkStart(first + 1)
		n := min(to, stop) - from
		if err := u.decodePart(d, first, from, dst[:n]); err != nil {
			return err
		}
		dst, from = dst[n:], from+n
		first++
	}
	var last []uint16 // what lies in a last chunk that goes on past the range
	if stop, _ := s.ChunkStart(end); first < end && stop > to {
		end--
		start, _ := s.ChunkStart(end)
		dst, last = dst[:start-from], dst[start-from:]
	}
	if err := newTask(u, d, m.workers, first, end, dst).run(ctx); err != nil {
		return err
	}
	if len(last) > 0 {
		return u.decodePart(d, end, to-len(last), last)
	}
	return nil
}

// decodePart writes elements of chunk c, from one on, to dst. It checks the whole chunk. What the fast
// decoder rejects, the reference decides.
func (u *unit) decodePart(d chunkDecoder, c, from int, dst []uint16) error {
	if d.decodePart(&u.stream, c, from, dst) {
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
