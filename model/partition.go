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
	// CodeTied codes an embedding that shares its weight with the output head. The published loader cannot load
	// such a checkpoint. Decompressing it still gives the original files.
	CodeTied bool
	// CodeAll codes every tensor of bfloat16 numbers. One that no pattern and no rule makes part of a unit, is a unit
	// with the tensor's name. The published loader could not load such a checkpoint. It implies CodeTied.
	CodeAll bool
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
	// Attrs names the submodules, parallel to Tensors. It is empty if the module itself is a Linear or Embedding
	// with the one tensor Name.weight.
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

// NewPartition divides the tensors of a checkpoint into units and raw tensors. It uses the patterns of the
// checkpoint's architecture. For an unknown architecture a rule joins the weights of each layer.
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
	if tied := tiedEmbedding(c, f, root, modules); tied != nil && !opts.CodeTied && !opts.CodeAll {
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
	p := b.partition(source, c.Tensors)
	if opts.CodeAll {
		p.codeAll()
	}
	return p, nil
}

// codeAll makes units of the raw tensors that are bfloat16.
func (p *Partition) codeAll() {
	named := map[string]bool{}
	for _, u := range p.Units {
		named[u.Name] = true
	}
	p.Raw = slices.DeleteFunc(p.Raw, func(raw RawTensor) bool {
		t := raw.Tensor
		if t.DType != BF16 || t.Elements() == 0 || named[t.Name] {
			return false
		}
		p.Units = append(p.Units, &PartitionUnit{Name: t.Name, Tensors: []*Tensor{t}})
		return true
	})
}

// notCompressed returns an error for a DF11 checkpoint, and for a checkpoint that could not be told from DF11
// tensors once it is coded.
func notCompressed(c *Checkpoint) error {
	if c.Config != nil && c.Config.Codec() != "" {
		return fmt.Errorf("model: %s is compressed already: %s has a %s", c.Dir, ConfigName, c.Config.codecKey())
	}
	for _, t := range c.Tensors {
		if CodecOf(t) == RANS {
			return fmt.Errorf("model: %s: tensor %q has the name of a coded tensor: the checkpoint is compressed already, or cannot be", t.File(), t.Name)
		}
		if part := t.Name[strings.LastIndexByte(t.Name, '.')+1:]; slices.Contains(partNames[:], part) {
			return fmt.Errorf("model: %s: tensor %q has the name of a DF11 tensor: the checkpoint is compressed already, or cannot be", t.File(), t.Name)
		}
	}
	return nil
}

// Drop removes tensors from their units, each for a reason that only its values show. A unit without tensors
// disappears. If one of the tensors is in no unit, Drop changes nothing.
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

// PatternDict returns the pattern_dict for the units of the partition. A pattern is kept as it is if all units
// that it matches have the same attributes. Otherwise it is replaced by several patterns, one for each list of
// attributes, which name their modules one by one. This matters because the published loader replaces the weights
// of every attribute of every pattern that matches a coded module, whether they are coded or not. A pattern may
// match modules without a coded unit, because the loader leaves them alone.
func (p *Partition) PatternDict() (Patterns, error) {
	regexes, units := p.byRegex()
	m, err := regexes.compile()
	tooMany := err != nil // too many to compile them all: names are cheaper
	disturbed := map[int]bool{}
	if !tooMany {
		disturbed = p.disturbed(m)
	}
	dict := Patterns{}
	for i, pattern := range regexes {
		if tooMany || disturbed[i] {
			dict = append(dict, exact(units[i])...)
		} else {
			dict = append(dict, pattern)
		}
	}
	if p.misread(dict) != nil {
		// A pattern without attributes does not affect how the loader matches later patterns.
		slices.SortStableFunc(dict, func(a, b Pattern) int { return min(1, len(a.Attrs)) - min(1, len(b.Attrs)) })
	}
	if u := p.misread(dict); u != nil {
		return nil, fmt.Errorf("model: unit %q: no pattern_dict makes the published loader find its weights", u.Name)
	}
	return dict, nil
}

// byRegex returns the patterns that the units come from, each with the attributes of its first unit, and the units of
// each.
func (p *Partition) byRegex() (regexes Patterns, units [][]*PartitionUnit) {
	index := map[string]int{}
	for _, u := range p.Units {
		i, ok := index[u.regex]
		if !ok {
			i = len(regexes)
			index[u.regex] = i
			regexes, units = append(regexes, Pattern{u.regex, slices.Clone(u.Attrs)}), append(units, nil)
		}
		units[i] = append(units[i], u)
	}
	return regexes, units
}

// disturbed returns the patterns that match a unit which does not come from them or has other attributes.
func (p *Partition) disturbed(m *matcher) map[int]bool {
	disturbed := map[int]bool{}
	for _, u := range p.Units {
		for _, i := range m.all(u.Name) {
			if pattern := m.patterns[i]; u.regex != pattern.Regex || !slices.Equal(u.Attrs, pattern.Attrs) {
				disturbed[i] = true
			}
		}
	}
	return disturbed
}

// exact returns patterns that match units by their names.
func exact(units []*PartitionUnit) (dict Patterns) {
	index := map[string]int{}
	var names [][]string
	for _, u := range units {
		attrs := strings.Join(u.Attrs, "\x00")
		i, ok := index[attrs]
		if !ok {
			i = len(dict)
			index[attrs] = i
			dict, names = append(dict, Pattern{Attrs: slices.Clone(u.Attrs)}), append(names, nil)
		}
		names[i] = append(names[i], quoteName(u.Name))
	}
	for i := range dict {
		dict[i].Regex = strings.Join(names[i], "|")
	}
	return dict
}

// misread returns a unit whose weights the published loader would not find with these patterns.
func (p *Partition) misread(dict Patterns) *PartitionUnit {
	m, err := dict.compile()
	for _, u := range p.Units {
		if err != nil {
			return u
		}
		if attrs, ok := m.loaderAttrs(u.Name); !ok || !slices.Equal(attrs, u.Attrs) {
			return u
		}
	}
	return nil
}

// loaderAttrs returns the attributes whose weights the published loader (0.5.0) replaces for a coded module. The
// loader goes through all patterns. After it has met one with attributes, it goes on with the parent of the last
// attribute in place of the module's name. No later pattern may match that.
func (m *matcher) loaderAttrs(module string) (attrs []string, ok bool) {
	matching := m.all(module)
	if len(matching) == 0 {
		return nil, false
	}
	attrs = m.patterns[matching[0]].Attrs
	n := len(attrs)
	if n == 0 {
		return attrs, len(matching) == 1
	}
	name := attrs[n-1][:max(0, strings.LastIndexByte(attrs[n-1], '.'))]
	later := func(i int) bool { return i > matching[0] }
	return attrs, !slices.ContainsFunc(m.all(name), later)
}
