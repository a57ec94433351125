package model

import (
	"fmt"
	"slices"
	"strings"
)

// PatternDict returns the pattern_dict for the units of the plan. A pattern is kept as it is where
// all units it matches have the same attributes; otherwise it is replaced by one for each list of
// attributes that names its modules one by one. That matters because the published loader takes the
// weights of every attribute of every pattern that matches a coded module, whether coded or not.
// Modules without a coded unit may match: the loader leaves them alone.
func (p *Plan) PatternDict() (Patterns, error) {
	dict := Patterns{}
	seen := map[string]bool{}
	for _, u := range p.Units {
		if seen[u.regex] {
			continue
		}
		seen[u.regex] = true
		if pattern := (Pattern{u.regex, slices.Clone(u.Attrs)}); p.holds(pattern) {
			dict = append(dict, pattern)
		} else {
			dict = append(dict, p.exact(u.regex)...)
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

// holds reports whether all units that the pattern matches come from it and have its attributes.
func (p *Plan) holds(pattern Pattern) bool {
	m, err := Patterns{pattern}.compile()
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(p.Units, func(u *PlanUnit) bool {
		return m.matches(0, u.Name) && (u.regex != pattern.Regex || !slices.Equal(u.Attrs, pattern.Attrs))
	})
}

// exact returns patterns that match the units of one regex by their names.
func (p *Plan) exact(regex string) (dict Patterns) {
	var names [][]string
	for _, u := range p.Units {
		if u.regex != regex {
			continue
		}
		i := slices.IndexFunc(dict, func(d Pattern) bool { return slices.Equal(d.Attrs, u.Attrs) })
		if i < 0 {
			i = len(dict)
			dict = append(dict, Pattern{Attrs: slices.Clone(u.Attrs)})
			names = append(names, nil)
		}
		names[i] = append(names[i], quoteName(u.Name))
	}
	for i := range dict {
		dict[i].Regex = strings.Join(names[i], "|")
	}
	return dict
}

// misread returns a unit whose weights the published loader would not find with these patterns.
func (p *Plan) misread(dict Patterns) *PlanUnit {
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
	matched := 0
	name := module
	for i, pattern := range m.patterns {
		if !m.matches(i, name) {
			continue
		}
		matched++
		attrs = pattern.Attrs
		if n := len(attrs); n > 0 {
			name = attrs[n-1][:max(0, strings.LastIndexByte(attrs[n-1], '.'))]
		}
	}
	return attrs, matched == 1
}
