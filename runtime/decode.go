package runtime

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// DecodeUnit writes the weights of a unit to dst, one word for each element. The tensors of the unit follow one
// another.
func (m *Model) DecodeUnit(ctx context.Context, name string, dst []uint16) error {
	return m.call(ctx, func(ctx context.Context) error {
		u, ok := m.byName[name]
		if !ok {
			return m.wrap(fmt.Errorf("no unit %q", name))
		}
		if len(dst) != u.Elements {
			return u.coded.Wrap(fmt.Errorf("%d elements into a buffer of %d", u.Elements, len(dst)))
		}
		return m.decode(ctx, u.coded.Whole(), dst)
	})
}

// DecodeTensor writes the weights of a coded tensor to dst, one word for each element. It decodes and checks only
// the chunks of the unit that the tensor lies in.
func (m *Model) DecodeTensor(ctx context.Context, name string, dst []uint16) error {
	return m.call(ctx, func(ctx context.Context) error {
		s, err := m.tensor(name)
		if err != nil {
			return err
		}
		if len(dst) != s.Elements() {
			return s.Unit.Wrap(fmt.Errorf("tensor %q: %d elements into a buffer of %d", name, s.Elements(), len(dst)))
		}
		return m.decode(ctx, s, dst)
	})
}

// DecodePart is DecodeTensor for a part of the tensor: len(dst) elements from element first on. A part cannot be
// compared with the sum of its tensor, unless it is the whole tensor: see [WithChecks].
func (m *Model) DecodePart(ctx context.Context, name string, first int, dst []uint16) error {
	return m.call(ctx, func(ctx context.Context) error {
		s, err := m.tensor(name)
		if err != nil {
			return err
		}
		if n := s.Elements(); first < 0 || first > n || len(dst) > n-first {
			return s.Unit.Wrap(fmt.Errorf("tensor %q: %d elements from %d on, it has %d", name, len(dst), first, n))
		}
		if len(dst) < s.Elements() {
			s = s.Part(first, len(dst))
		}
		return m.decode(ctx, s, dst)
	})
}

// tensor returns the span of a coded tensor.
func (m *Model) tensor(name string) (coded.Span, error) {
	p, ok := m.tensors[name]
	if !ok && m.raw[name] != nil {
		return coded.Span{}, m.wrap(fmt.Errorf("tensor %q is not coded: ReadTensor reads it", name))
	}
	if !ok {
		return coded.Span{}, m.wrap(fmt.Errorf("no coded tensor %q", name))
	}
	return p.unit.coded.Tensor(p.number), nil
}

// decode writes a span to dst.
func (m *Model) decode(ctx context.Context, s coded.Span, dst []uint16) error {
	if err := m.byCoded[s.Unit].cpu.Prepare(); err != nil {
		return err
	}
	if s.From == s.To {
		if err := ctx.Err(); err != nil {
			return err
		}
		return m.check(s, dst).Err()
	}
	if m.gpus != nil {
		if done, err := m.gpus.Decode(ctx, s, dst, m.check(s, dst)); done || err != nil {
			return err
		}
	}
	return m.decodeOnCPU(ctx, s, dst)
}

// decodeOnCPU is decode without a GPU, for spans of one element or more.
func (m *Model) decodeOnCPU(ctx context.Context, s coded.Span, dst []uint16) error {
	return m.byCoded[s.Unit].cpu.Decode(ctx, s, m.workers, dst, m.check(s, dst))
}
