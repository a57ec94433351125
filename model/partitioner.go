package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
)

// minElements is the number of weights below which no unit can gain. The tables and names of the DF11 tensors
// alone take more than coding can save.
const minElements = 1024

// A partitioner collects units, and the reasons of tensors that stay raw.
type partitioner struct {
	modules *moduleSet
	reasons map[*Tensor]string
	claimed map[*Tensor]bool
	units   map[string]bool
	list    []*PartitionUnit
}

// screen refuses tensors that cannot be coded, whatever the patterns are.
func (b *partitioner) screen(tensors []*Tensor) {
	for _, t := range tensors {
		switch {
		case t.DType != BF16:
			b.refuse(t, fmt.Sprintf("%s, only BF16 is coded", t.DType))
		case !strings.HasSuffix(t.Name, weightSuffix):
			b.refuse(t, "not the weight of a module")
		case slices.Contains(strings.Split(t.Name, "."), ""):
			b.refuse(t, "a part of its name is empty")
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
func (b *partitioner) refuse(t *Tensor, reason string) {
	if b.reasons[t] == "" {
		b.reasons[t] = reason
	}
}

// refuseLayers refuses the weights of all layers that the patterns cover.
func (b *partitioner) refuseLayers(p Patterns, reason string) {
	m, err := p.compile()
	if err != nil {
		return // not reached: a test compiles every pattern of the table
	}
	for _, module := range b.modules.names {
		for _, i := range m.all(module) {
			for _, attr := range p[i].Attrs {
				if t := b.modules.weight(module, attr); t != nil {
					b.refuse(t, reason)
				}
			}
		}
	}
}

// addPatterns makes a unit of every module that a pattern matches, of the tensors that exist and can be coded. If
// several patterns match a module, the first one counts.
func (b *partitioner) addPatterns(p Patterns) error {
	m, err := p.compile()
	if err != nil {
		return err
	}
	modules := make([][]string, len(p)) // by pattern
	for _, module := range b.modules.names {
		for _, i := range m.all(module) {
			modules[i] = append(modules[i], module)
		}
	}
	for i, pattern := range p {
		for _, module := range modules[i] {
			if b.units[module] {
				continue
			}
			u := &PartitionUnit{Name: module, regex: pattern.Regex}
			if len(pattern.Attrs) == 0 {
				b.take(u, "")
			}
			for _, attr := range pattern.Attrs {
				b.take(u, attr)
			}
			b.add(u)
		}
	}
	return m.exhausted()
}

// take adds a tensor to a unit if it exists, can be coded and belongs to no unit yet.
func (b *partitioner) take(u *PartitionUnit, attr string) {
	t := b.modules.weight(u.Name, attr)
	if t == nil || b.reasons[t] != "" || b.claimed[t] {
		return
	}
	u.Tensors = append(u.Tensors, t)
	if attr != "" {
		u.Attrs = append(u.Attrs, attr)
	}
}

// add adds a unit to the list, or refuses its tensors if it is too small. A unit that would be too
// large is split into units of submodules.
func (b *partitioner) add(u *PartitionUnit) {
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

// split divides a unit into those of its numbered submodules, such as the experts of a mixture, and single
// weights. No weight may stay with the module itself. The published loader decodes all units into one buffer.
// Submodules are decoded while the module computes, and would overwrite the module's weights.
func (b *partitioner) split(u *PartitionUnit) (parts []*PartitionUnit) {
	units := map[string]*PartitionUnit{}
	for i, t := range u.Tensors {
		name, attr := u.Name+"."+u.Attrs[i], ""
		if sub, rest := cutNumber(u.Attrs[i], 0); rest != "" && b.modules.weight(u.Name, sub) == nil {
			name, attr = u.Name+"."+sub, rest
		}
		part := units[name]
		if part == nil {
			part = &PartitionUnit{Name: name, regex: generalName(name)}
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

// partition returns the finished partition.
func (b *partitioner) partition(source string, tensors []*Tensor) *Partition {
	p := &Partition{Source: source, Units: b.list, order: map[string]int{}}
	for i, t := range tensors {
		p.order[t.Name] = i
		if !b.claimed[t] {
			b.refuse(t, "no pattern covers it")
			p.Raw = append(p.Raw, RawTensor{t, b.reasons[t]})
		}
	}
	return p
}

// addByRule makes units for an architecture without patterns. The weights of one layer form a unit. A layer is a
// module whose path ends in a number, the first number in the path. A number at the start of the path does not
// count: it numbers whole models, as in the containers of sentence-transformers. All other weights are units of
// their own.
func (b *partitioner) addByRule(tensors []*Tensor) {
	units := map[string]*PartitionUnit{}
	var names []string
	for _, t := range tensors {
		if b.reasons[t] != "" {
			continue
		}
		name, attr := layerOf(strings.TrimSuffix(t.Name, weightSuffix))
		if attr != "" && b.modules.weight(name, "") != nil {
			// The layer itself has a weight, so it is a Linear. What is below it is something else.
			name, attr = name+"."+attr, ""
		}
		u := units[name]
		if u == nil {
			u = &PartitionUnit{Name: name, regex: generalName(name)}
			units[name] = u
			names = append(names, name)
		}
		b.take(u, attr)
	}
	slices.SortFunc(names, naturalCompare)
	for _, name := range names {
		b.add(units[name])
	}
}
