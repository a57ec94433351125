package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
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

// Patterns is a pattern_dict. It is a list, because the order decides to which pattern a module belongs.
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
			return fmt.Errorf("pattern %.200q: %w", regex, err)
		}
		if p = append(p, Pattern{regex, attrs}); len(p) > maxPatterns {
			return fmt.Errorf("more than %d patterns", maxPatterns)
		}
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
	named    map[string][]int // by module, the patterns that list it by name
	regexes  []compiledRegex  // the other patterns
	spent    uint64           // work of matching up to now, see maxMatching
	weights  int              // number of weights that got names
	bytes    int              // bytes of these names
}

// compiledRegex is a compiled pattern. Lists of names are not compiled, because thousands of names would be slow
// as a regular expression.
type compiledRegex struct {
	pattern int // its index
	regex   *regexp.Regexp
	prefix  string // what every name that regex matches begins with
	size    int    // of the program of regex
}

// compile checks the patterns and prepares them for matching.
func (p Patterns) compile() (*matcher, error) {
	m := &matcher{patterns: p, named: map[string][]int{}}
	text, program := 0, 0
	for i, pattern := range p {
		if text += len(pattern.Regex); text > maxPatternBytes {
			return nil, fmt.Errorf("patterns of more than %d bytes", maxPatternBytes)
		}
		if err := checkAttrs(pattern.Attrs); err != nil {
			return nil, fmt.Errorf("pattern %.200q: %w", pattern.Regex, err)
		}
		if names := listedNames(pattern.Regex); names != nil {
			for _, name := range names {
				m.named[name] = append(m.named[name], i)
			}
			continue
		}
		compiled, err := compileRegex(pattern.Regex, maxProgram-program)
		if err != nil {
			return nil, fmt.Errorf("pattern %.200q: %w", pattern.Regex, err)
		}
		compiled.pattern = i
		program += compiled.size
		m.regexes = append(m.regexes, compiled)
	}
	return m, nil
}

// checkAttrs checks the attributes of a pattern.
func checkAttrs(attrs []string) error {
	if len(attrs) > maxPatterns {
		return fmt.Errorf("%d attributes, max %d", len(attrs), maxPatterns)
	}
	seen := map[string]bool{}
	for _, attr := range attrs {
		if slices.Contains(strings.Split(attr, "."), "") {
			return fmt.Errorf("attribute %q has an empty part", attr)
		}
		if seen[attr] {
			return fmt.Errorf("attribute %q appears twice", attr)
		}
		seen[attr] = true
	}
	return nil
}

// compileRegex prepares one pattern. Its program may have limit instructions.
func compileRegex(regex string, limit int) (c compiledRegex, err error) {
	// The text is first parsed alone, because a text such as "a)(b" would be valid inside the group below.
	parsed, err := syntax.Parse(regex, syntax.Perl)
	if err != nil {
		return c, fmt.Errorf("%w (lookaround and backreferences of Python are not supported)", shortened(err))
	}
	if c.size = programSize(parsed, limit); c.size > limit {
		return c, fmt.Errorf("the patterns up to this one compile to more than %d instructions", maxProgram)
	}
	// LiteralPrefix gives nothing for an anchored expression, so it is taken from one without anchors.
	free, err := regexp.Compile(regex)
	if err != nil {
		return c, err
	}
	c.prefix, _ = free.LiteralPrefix()
	c.regex, err = regexp.Compile(`\A(?:` + regex + `)\z`)
	return c, err
}

// shortened cuts off the expression that an error of package syntax repeats.
func shortened(err error) error {
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Errorf("%s: %.60q", e.Code, e.Expr)
	}
	return err
}

// all returns the indices of the patterns that match the whole name of a module, ascending. Once the work has
// exceeded its limit, no regular expression matches any more: see exhausted.
func (m *matcher) all(module string) []int {
	indices := slices.Clone(m.named[module])
	for i := range m.regexes {
		if m.spent++; m.spent > maxMatching {
			break
		}
		c := &m.regexes[i]
		if !strings.HasPrefix(module, c.prefix) {
			continue
		}
		m.spent += uint64(c.size) * uint64(len(module))
		if m.spent <= maxMatching && c.regex.MatchString(module) {
			indices = append(indices, c.pattern)
		}
	}
	slices.Sort(indices)
	return indices
}

// give counts a name that a weight of a unit gets.
func (m *matcher) give(name string) error {
	m.weights++
	m.bytes += len(name)
	switch {
	case len(name) > maxName:
		return fmt.Errorf("name of %d bytes for a weight, max %d", len(name), maxName)
	case m.weights > maxTensors:
		return fmt.Errorf("more than %d weights", maxTensors)
	case m.bytes > maxNames:
		return fmt.Errorf("names of weights of more than %d bytes", maxNames)
	}
	return nil
}

// exhausted returns an error if matching was given up.
func (m *matcher) exhausted() error {
	if m.spent > maxMatching {
		return fmt.Errorf("%d patterns are too much work to match with all modules", len(m.patterns))
	}
	return nil
}

// listedNames returns the names that a pattern of the form NAME|NAME|… lists, as quoteName writes
// them, nil for a pattern of any other form.
func listedNames(regex string) []string {
	names := []string{}
	seen := map[string]bool{}
	for quoted := range strings.SplitSeq(regex, "|") {
		name := strings.ReplaceAll(quoted, `\.`, ".")
		if quoteName(name) != quoted {
			return nil
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
