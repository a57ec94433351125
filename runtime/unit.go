package runtime

import (
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/cpu"
)

// A Unit describes the weights of one stream of the checkpoint: one tensor, or the tensors of a module, one after
// another.
type Unit struct {
	Name     string
	Elements int
	Tensors  []Tensor // in the order of their weights in the unit
	// Book is the fingerprint of the unit's code book. It is zero if the file has no valid code book for the unit.
	Book codebook.Fingerprint
}

// A unit is a Unit with its stream and its decoder.
type unit struct {
	Unit
	coded *coded.Unit // the stream and the code book
	cpu   *cpu.Unit   // decodes on the CPU; all decoders have it check the stream first
}

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
