package runtime

import (
	"context"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/cpu"
	"github.com/seed54244801/bespoke/runtime/internal/rans"
)

// A Unit describes weights of the checkpoint that are decoded together: one tensor, or the tensors of a module, one
// after another.
type Unit struct {
	Name     string
	Elements int
	Tensors  []Tensor // in the order of their weights in the unit
	// Book is the fingerprint of the unit's code book. It is zero if the file has no valid code book for the unit,
	// and with rANS.
	Book codebook.Fingerprint
}

// A unit is a Unit with its stream and its decoder.
type unit struct {
	Unit
	coded *coded.Unit // the stream and the code book
	cpu   unitDecoder // all decoders have it check the stream first
}

// A unitDecoder decodes a unit on the CPU: a [cpu.Unit] with DF11, or a [rans.Unit].
type unitDecoder interface {
	// Prepare checks the streams when it is called for the first time. Later calls return the same error.
	Prepare() error
	// Task prepares the decoding of the whole unit with a number of workers.
	Task(workers int, dst []uint16, check *coded.Check) (*coded.Task, error)
	// Decode writes a span of one element or more to dst, with at most the given number of goroutines.
	Decode(ctx context.Context, span coded.Span, workers int, dst []uint16, check *coded.Check) error
}

var (
	_ unitDecoder = (*cpu.Unit)(nil)
	_ unitDecoder = (*rans.Unit)(nil)
)

// public returns a copy of the description of the unit.
func (u *unit) public() Unit {
	c := u.Unit
	c.Tensors = slices.Clone(u.Tensors)
	for i := range c.Tensors {
		c.Tensors[i].Shape = slices.Clone(c.Tensors[i].Shape)
	}
	return c
}

// Units lists the units in the order of the file.
func (m *Model) Units() []Unit {
	units := make([]Unit, len(m.units))
	for i, u := range m.units {
		units[i] = u.public()
	}
	return units
}
