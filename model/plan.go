package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
)

// minElements is the size below which no unit can gain: the tables and the names of the DF11
// tensors alone take more than coding can save.
const minElements = 1024

// PlanOptions says how [PlanUnits] chooses units. The zero value is the usual way.
type PlanOptions struct {
	// Patterns overrides the patterns of the architecture.
	Patterns Patterns
	// CodeTied codes an embedding that shares its weight with the output head. The published loader
	// cannot run such a checkpoint; decompressing it gives the same files.
	CodeTied bool
}

// Plan says which tensors of a checkpoint are coded together and which stay as they are.
type Plan struct {
	// Source names where the patterns come from: a family of architectures, "override" or "rule".
	Source string
	Units  []*PlanUnit
	// Raw holds the tensors that are not coded, in the order of the checkpoint.
	Raw []RawTensor

	order map[string]int // place of a tensor in the checkpoint
}

// PlanUnit is a module whose weights are coded as one stream.
type PlanUnit struct {
	// Name is the module's dotted path.
	Name string
	// Attrs names the submodules, parallel to Tensors. It is empty where the module itself is a
	// Linear or Embedding with the one tensor Name.weight.
	Attrs []string
	// Tensors holds the weights in the order of the stream.
	Tensors []*Tensor

	regex string // the pattern that made this module a unit
}

// RawTensor is a tensor that stays as it is.
type RawTensor struct {
	Tensor *Tensor
	// Reason says why in a few words.
	Reason string
}

// Elements returns the number of weights in the unit.
func (u *PlanUnit) Elements() uint64 {
	n := uint64(0)
	for _, t := range u.Tensors {
		n += t.Elements() // cannot overflow: each weight takes two bytes of a file
	}
	return n
}

// SplitPositions returns the DF11 tensor split_positions: the cumulative number of weights after
// each tensor but the last.
func (u *PlanUnit) SplitPositions() []uint64 {
	positions := []uint64{}
	n := uint64(0)
	for _, t := range u.Tensors[:len(u.Tensors)-1] {
		n += t.Elements()
		positions = append(positions, n)
	}
	return positions
}

// PlanUnits divides the tensors of a checkpoint into units and raw tensors, by the patterns of its
// architecture, or where none is known by a rule that joins the weights of each layer.
func PlanUnits(c *Checkpoint, opts PlanOptions) (*Plan, error) {
	modules := newModuleSet(c.Tensors)
	f, root := findFamily(c, modules)
	b := &planBuilder{modules: modules, reasons: map[*Tensor]string{}, claimed: map[*Tensor]bool{}, units: map[string]bool{}}
	b.screen(c.Tensors)
	if tied := tiedEmbedding(c, f, root, modules); tied != nil && !opts.CodeTied {
		b.refuse(tied, reasonTied)
	}
	source := ""
	switch {
	case opts.Patterns != nil:
		source = "override"
		if err := b.addPatterns(opts.Patterns); err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
	case f != nil:
		source = f.name
		p := f.rooted(root)
		if f.notLinear != "" {
			b.refuseBlocks(p, f.notLinear)
		}
		if err := b.addPatterns(p); err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
	default:
		source = "rule"
		b.addByRule(c.Tensors)
	}
	return b.plan(source, c.Tensors), nil
}

// planBuilder collects units and the reasons of tensors that stay out.
type planBuilder struct {
	modules *moduleSet
	reasons map[*Tensor]string
	claimed map[*Tensor]bool
	units   map[string]bool
	list    []*PlanUnit
}

// screen refuses what no pattern can make codable.
func (b *planBuilder) screen(tensors []*Tensor) {
	for _, t := range tensors {
		switch {
		case t.DType != BF16:
			b.refuse(t, fmt.Sprintf("%s, only BF16 is coded", t.DType))
		case !strings.HasSuffix(t.Name, weightSuffix):
			b.refuse(t, "not the weight of a module")
		case len(t.Shape) != 2:
			b.refuse(t, fmt.Sprintf("shape %v, Linear and Embedding weights have 2 dimensions", t.Shape))
		case t.Elements() == 0:
			b.refuse(t, "no elements")
		case t.Elements() > codebook.MaxElements:
			b.refuse(t, fmt.Sprintf("%d elements, a unit has at most %d", t.Elements(), codebook.MaxElements))
		}
	}
}

// refuse records the first reason against a tensor.
func (b *planBuilder) refuse(t *Tensor, reason string) {
	if b.reasons[t] == "" {
		b.reasons[t] = reason
	}
}

// refuseBlocks refuses the weights of all blocks that the patterns cover.
func (b *planBuilder) refuseBlocks(p Patterns, reason string) {
	m, err := p.compile()
	if err != nil {
		return // not reached: a test compiles every pattern of the table
	}
	for i := range p {
		for _, module := range b.modules.names {
			if len(p[i].Attrs) > 0 && m.matches(i, module) {
				for _, attr := range p[i].Attrs {
					if t := b.modules.weight(module, attr); t != nil {
						b.refuse(t, reason)
					}
				}
			}
		}
	}
}

// addPatterns makes a unit of every module that a pattern matches, of the tensors that exist and
// can be coded. Where patterns overlap, the first has the module.
func (b *planBuilder) addPatterns(p Patterns) error {
	m, err := p.compile()
	if err != nil {
		return err
	}
	for i, pattern := range p {
		for _, module := range b.modules.names {
			if b.units[module] || !m.matches(i, module) {
				continue
			}
			u := &PlanUnit{Name: module, regex: pattern.Regex}
			if len(pattern.Attrs) == 0 {
				b.take(u, "")
			}
			for _, attr := range pattern.Attrs {
				b.take(u, attr)
			}
			b.add(u)
		}
	}
	return nil
}

// take adds a tensor to a unit if it exists, can be coded and belongs to no unit yet.
func (b *planBuilder) take(u *PlanUnit, attr string) {
	t := b.modules.weight(u.Name, attr)
	if t == nil || b.reasons[t] != "" || b.claimed[t] {
		return
	}
	u.Tensors = append(u.Tensors, t)
	if attr != "" {
		u.Attrs = append(u.Attrs, attr)
	}
}

// add adds a unit to the plan, or refuses its tensors if it is too small. A unit that would be too
// large is split into units of submodules.
func (b *planBuilder) add(u *PlanUnit) {
	if len(u.Tensors) == 0 {
		return
	}
	if len(u.Tensors) > 1 && u.Elements() > codebook.MaxElements {
		for _, part := range b.split(u) {
			b.add(part)
		}
		return
	}
	if n := u.Elements(); n < minElements {
		for _, t := range u.Tensors {
			b.refuse(t, fmt.Sprintf("too small to gain: a unit of %d weights", n))
		}
		return
	}
	for _, t := range u.Tensors {
		b.claimed[t] = true
	}
	b.units[u.Name] = true
	b.list = append(b.list, u)
}

// split divides a unit into those of its numbered submodules, such as the experts of a mixture, and
// single weights. None may stay with the module: the published loader decodes all units into one
// buffer, and those of submodules, decoded while the module runs, would overwrite what it needs.
func (b *planBuilder) split(u *PlanUnit) (parts []*PlanUnit) {
	units := map[string]*PlanUnit{}
	for i, t := range u.Tensors {
		name, attr := u.Name+"."+u.Attrs[i], ""
		if sub, rest := cutNumber(u.Attrs[i], 0); rest != "" && b.modules.weight(u.Name, sub) == nil {
			name, attr = u.Name+"."+sub, rest
		}
		part := units[name]
		if part == nil {
			part = &PlanUnit{Name: name, regex: generalName(name)}
			units[name] = part
			parts = append(parts, part)
		}
		part.Tensors = append(part.Tensors, t)
		if attr != "" {
			part.Attrs = append(part.Attrs, attr)
		}
	}
	return parts
}

// plan returns the finished plan.
func (b *planBuilder) plan(source string, tensors []*Tensor) *Plan {
	p := &Plan{Source: source, Units: b.list, order: map[string]int{}}
	for i, t := range tensors {
		p.order[t.Name] = i
		if !b.claimed[t] {
			b.refuse(t, "no pattern covers it")
			p.Raw = append(p.Raw, RawTensor{t, b.reasons[t]})
		}
	}
	return p
}

// Drop takes a tensor out of its unit, for a reason that only its values show. A unit without
// tensors disappears.
func (p *Plan) Drop(tensor, reason string) error {
	for i, u := range p.Units {
		for k, t := range u.Tensors {
			if t.Name != tensor {
				continue
			}
			u.Tensors = slices.Delete(u.Tensors, k, k+1)
			if len(u.Attrs) > 0 {
				u.Attrs = slices.Delete(u.Attrs, k, k+1)
			}
			if len(u.Tensors) == 0 {
				p.Units = slices.Delete(p.Units, i, i+1)
			}
			p.Raw = append(p.Raw, RawTensor{t, reason})
			slices.SortFunc(p.Raw, func(a, b RawTensor) int { return p.order[a.Tensor.Name] - p.order[b.Tensor.Name] })
			return nil
		}
	}
	return fmt.Errorf("model: tensor %q is in no unit", tensor)
}
