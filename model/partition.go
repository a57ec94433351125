package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PartitionOptions says how [NewPartition] chooses units. The zero value is the usual way.
type PartitionOptions struct {
	// Patterns overrides the patterns of the architecture.
	Patterns Patterns
	// CodeTied codes an embedding that shares its weight with the output head. The published loader
	// cannot run such a checkpoint; decompressing it gives the same files.
	CodeTied bool
}

// Partition says which tensors of a checkpoint form which units, and which stay as they are.
type Partition struct {
	// Source names where the patterns come from: a family of architectures, "override" or "rule".
	Source string
	Units  []*PartitionUnit
	// Raw holds the tensors that are not coded, in the order of the checkpoint.
	Raw []RawTensor

	order map[string]int // place of a tensor in the checkpoint
}

// PartitionUnit is a module whose weights are to be coded as one stream.
type PartitionUnit struct {
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
func (u *PartitionUnit) Elements() uint64 {
	n := uint64(0)
	for _, t := range u.Tensors {
		n += t.Elements() // cannot overflow: each weight takes two bytes of a file
	}
	return n
}

// SplitPositions returns the DF11 tensor split_positions: the cumulative number of weights after
// each tensor but the last.
func (u *PartitionUnit) SplitPositions() []uint64 {
	positions := []uint64{}
	n := uint64(0)
	for _, t := range u.Tensors[:len(u.Tensors)-1] {
		n += t.Elements()
		positions = append(positions, n)
	}
	return positions
}

// NewPartition divides the tensors of a checkpoint into units and raw tensors, by the patterns of its
// architecture, or where none is known by a rule that joins the weights of each layer.
func NewPartition(c *Checkpoint, opts PartitionOptions) (*Partition, error) {
	if err := notCompressed(c); err != nil {
		return nil, err
	}
	modules, err := newModuleSet(c.Tensors)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", c.Dir, err)
	}
	f, root := findFamily(c, modules)
	b := &partitioner{modules: modules, reasons: map[*Tensor]string{}, claimed: map[*Tensor]bool{}, units: map[string]bool{}}
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
			b.refuseLayers(p, f.notLinear)
		}
		if err := b.addPatterns(p); err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
	default:
		source = "rule"
		b.addByRule(c.Tensors)
	}
	return b.partition(source, c.Tensors), nil
}

// notCompressed reports a DF11 checkpoint, or one that could be mistaken for one once it is coded.
func notCompressed(c *Checkpoint) error {
	if c.Config != nil && c.Config.DF11 != nil {
		return fmt.Errorf("model: %s is compressed already: %s has a %s", c.Dir, ConfigName, DF11Key)
	}
	for _, t := range c.Tensors {
		if part := t.Name[strings.LastIndexByte(t.Name, '.')+1:]; slices.Contains(partNames[:], part) {
			return fmt.Errorf("model: %s: tensor %q has the name of a DF11 tensor: the checkpoint is compressed already, or cannot be", t.File(), t.Name)
		}
	}
	return nil
}

// Drop takes tensors out of their units, each for a reason that only its values show. A unit without
// tensors disappears. If one of the tensors is in no unit, Drop changes nothing.
func (p *Partition) Drop(reasons map[string]string) error {
	units := map[string]bool{}
	for _, u := range p.Units {
		for _, t := range u.Tensors {
			units[t.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		if !units[name] {
			return fmt.Errorf("model: tensor %q is in no unit", name)
		}
	}
	for _, u := range p.Units {
		kept := 0
		for k, t := range u.Tensors {
			if reason, ok := reasons[t.Name]; ok {
				p.Raw = append(p.Raw, RawTensor{t, reason})
				continue
			}
			u.Tensors[kept] = t
			if len(u.Attrs) > 0 {
				u.Attrs[kept] = u.Attrs[k]
			}
			kept++
		}
		u.Tensors, u.Attrs = u.Tensors[:kept], u.Attrs[:min(kept, len(u.Attrs))]
	}
	p.Units = slices.DeleteFunc(p.Units, func(u *PartitionUnit) bool { return len(u.Tensors) == 0 })
	slices.SortFunc(p.Raw, func(a, b RawTensor) int { return p.order[a.Tensor.Name] - p.order[b.Tensor.Name] })
	return nil
}
