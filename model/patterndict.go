package model

import (
	"fmt"
	"slices"
	"strings"
)

// PatternDict returns the pattern_dict for the units of the partition. A pattern is kept as it is where
// all units it matches have the same attributes; otherwise it is replaced by one for each list of
// attributes that names its modules one by one. That matters because the published loader takes the
// weights of every attribute of every pattern that matches a coded module, whether coded or not.
// Modules without a coded unit may match: the loader leaves them alone.
func (p *Partition) PatternDict() (Patterns, error) {
	regexes, units := p.byRegex()
	m, err := regexes.compile()
	tooMany := err != nil // to compile them all: names are cheaper
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
		// A pattern without attributes cannot disturb the loader's matching of the ones after it.
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

// loaderAttrs returns the attributes whose weights the published loader (0.5.0) replaces for a coded
// module. It goes through all patterns; after one with attributes it goes on with the parent of the
// last attribute in the place of the module's name. That must match nothing more.
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
