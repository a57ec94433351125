package runtime

import (
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/cpu"
)

// A Unit is what one stream of the checkpoint covers: a module or the linear layers of a block, one
// after another.
type Unit struct {
	Name     string
	Elements int
	Tensors  []Tensor // in the order of their weights in the unit
	// Book is the fingerprint of the unit's code book, zero when the file holds no valid one.
	Book codebook.Fingerprint
}

// A unit is a Unit with what it takes to decode it.
type unit struct {
	Unit
	coded *coded.Unit // the same for decoders
	cpu   *cpu.Unit   // what decodes it on the CPU, and checks its stream before any other does
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
