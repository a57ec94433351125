package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pattern says which modules are units and what a unit covers.
type Pattern struct {
	// Regex must match a module's whole dotted name, as Python's re.fullmatch does.
	Regex string
	// Attrs names the submodules whose weights the unit joins, in that order. It is empty where the
	// module itself is a Linear or Embedding.
	Attrs []string
}

// Patterns is a pattern_dict: an ordered list, for order decides which pattern a module belongs to.
type Patterns []Pattern

// ParsePatterns parses the JSON object {REGEX: [ATTR, …], …}, keeping the order of its keys.
func ParsePatterns(text []byte) (Patterns, error) {
	p, err := parsePatterns(text)
	if err != nil {
		return nil, fmt.Errorf("model: patterns: %w", err)
	}
	return p, nil
}

// ReadPatterns reads a file that [ParsePatterns] understands.
func ReadPatterns(path string) (Patterns, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	p, err := parsePatterns(text)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	return p, nil
}

// parsePatterns is ParsePatterns without the prefix of its errors.
func parsePatterns(text []byte) (Patterns, error) {
	j, err := newJSONText(text)
	if err != nil {
		return nil, err
	}
	p := Patterns{}
	err = j.object(func(regex string) error {
		attrs, err := j.strings()
		if err != nil {
			return fmt.Errorf("pattern %q: %w", regex, err)
		}
		p = append(p, Pattern{regex, attrs})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := j.end(); err != nil {
		return nil, err
	}
	_, err = p.compile()
	return p, err
}

// MarshalJSON writes the patterns in their order.
func (p Patterns) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, pattern := range p {
		if i > 0 {
			text.WriteByte(',')
		}
		key, err := json.Marshal(pattern.Regex)
		if err != nil {
			return nil, err
		}
		attrs, err := json.Marshal(append([]string{}, pattern.Attrs...))
		if err != nil {
			return nil, err
		}
		text.Write(key)
		text.WriteByte(':')
		text.Write(attrs)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// UnmarshalJSON is ParsePatterns for package json.
func (p *Patterns) UnmarshalJSON(text []byte) (err error) {
	*p, err = parsePatterns(text)
	return err
}

// matcher is a compiled list of patterns.
type matcher struct {
	patterns Patterns
	compiled []compiledPattern
}

// compiledPattern is a pattern ready for matching: names where it is a list of names, of which
// thousands would be slow as a regular expression, regex otherwise.
type compiledPattern struct {
	names map[string]bool
	regex *regexp.Regexp
}

// compile checks the patterns and prepares them for matching.
func (p Patterns) compile() (*matcher, error) {
	m := &matcher{patterns: p}
	for _, pattern := range p {
		compiled, err := compileRegex(pattern.Regex)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern.Regex, err)
		}
		m.compiled = append(m.compiled, compiled)
		for i, attr := range pattern.Attrs {
			if slices.Contains(strings.Split(attr, "."), "") {
				return nil, fmt.Errorf("pattern %q: attribute %q has an empty part", pattern.Regex, attr)
			}
			if slices.Contains(pattern.Attrs[:i], attr) {
				return nil, fmt.Errorf("pattern %q: attribute %q appears twice", pattern.Regex, attr)
			}
		}
	}
	return m, nil
}

// compileRegex prepares one pattern.
func compileRegex(regex string) (compiledPattern, error) {
	if names := listedNames(regex); names != nil {
		return compiledPattern{names: names}, nil
	}
	// Compiled alone first: a text such as "a)(b" is only valid inside the group below.
	if _, err := regexp.Compile(regex); err != nil {
		return compiledPattern{}, fmt.Errorf("%w (lookaround and backreferences of Python are not supported)", err)
	}
	whole, err := regexp.Compile(`\A(?:` + regex + `)\z`)
	return compiledPattern{regex: whole}, err
}

// matches reports whether pattern i matches the whole name of a module.
func (m *matcher) matches(i int, module string) bool {
	if names := m.compiled[i].names; names != nil {
		return names[module]
	}
	return m.compiled[i].regex.MatchString(module)
}

// listedNames returns the names that a pattern of the form NAME|NAME|… lists, as quoteName writes
// them, nil for a pattern of any other form.
func listedNames(regex string) map[string]bool {
	names := map[string]bool{}
	for quoted := range strings.SplitSeq(regex, "|") {
		name := strings.ReplaceAll(quoted, `\.`, ".")
		if quoteName(name) != quoted {
			return nil
		}
		names[name] = true
	}
	return names
}

// all returns the indices of the patterns that match module.
func (m *matcher) all(module string) (indices []int) {
	for i := range m.compiled {
		if m.matches(i, module) {
			indices = append(indices, i)
		}
	}
	return indices
}
