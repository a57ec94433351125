package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// A member is one key of a JSON object, by its place in the text: text[Key:End] is `"key": value`.
type member struct {
	name            string
	key, value, end int
	depth           int // 1 for a member of the outermost object
}

// members lists the members of every object in text, in the order in which they end. Numbers, spaces and
// the order of keys are the text's own: an edit in place leaves them alone, which decoding and encoding
// again would not.
func members(text []byte) ([]member, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not valid UTF-8")
	}
	standard := standardNumbers(text)
	if !json.Valid(standard) {
		var v any
		return nil, fmt.Errorf("not valid JSON: %w", json.Unmarshal(standard, &v))
	}
	d := json.NewDecoder(bytes.NewReader(standard))
	d.UseNumber()
	var all []member
	var object func(depth int) error
	var value func(depth int) error
	object = func(depth int) error {
		for d.More() {
			key := skip(text, int(d.InputOffset()))
			t, err := d.Token()
			if err != nil {
				return err
			}
			m := member{name: t.(string), key: key, depth: depth}
			m.value = skip(text, int(d.InputOffset()))
			if err := value(depth); err != nil {
				return err
			}
			m.end = int(d.InputOffset())
			all = append(all, m)
		}
		_, err := d.Token()
		return err
	}
	value = func(depth int) error {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'):
			return object(depth + 1)
		case json.Delim('['):
			for d.More() {
				if err := value(depth); err != nil {
					return err
				}
			}
			_, err = d.Token()
		}
		return err
	}
	if err := value(0); err != nil {
		return nil, err
	}
	if i := skip(text, 0); text[i] != '{' {
		return nil, errors.New("not a JSON object")
	}
	return all, nil
}

// pythonNumbers are the tokens that Python writes for numbers JSON does not have, and numbers of the same
// length.
var pythonNumbers = [][2]string{{"NaN", "1.0"}, {"-Infinity", "-1.000000"}, {"Infinity", "1.000000"}}

// standardNumbers returns text with the numbers of Python replaced, every token at its place.
func standardNumbers(text []byte) []byte {
	out := bytes.Clone(text)
	inString := false
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			inString = !inString
		case inString && out[i] == '\\':
			i++
		case !inString:
			for _, n := range pythonNumbers {
				if bytes.HasPrefix(out[i:], []byte(n[0])) {
					copy(out[i:], n[1])
				}
			}
		}
	}
	return out
}

// skip returns the offset of the next token of valid JSON at or after i.
func skip(text []byte, i int) int {
	for i < len(text) && bytes.IndexByte([]byte(" \t\r\n:,"), text[i]) >= 0 {
		i++
	}
	return i
}

// removeMember takes a member of the outermost object out of text, with the comma that set it off. The
// second result says whether there was one.
func removeMember(text []byte, name string) ([]byte, bool, error) {
	all, err := members(text)
	if err != nil {
		return nil, false, err
	}
	previous := -1 // end of the member before
	for _, m := range all {
		if m.depth != 1 {
			continue
		}
		if m.name != name {
			previous = m.end
			continue
		}
		from, to := m.key, m.end
		if previous >= 0 {
			from = previous
		} else if next := skip(text, to); text[next] != '}' {
			to = next
		}
		return append(bytes.Clone(text[:from]), text[to:]...), true, nil
	}
	return text, false, nil
}

// replaceValues replaces the values of members for which edit returns a new text; nil keeps the old one.
// Members inside a replaced value must not be replaced themselves.
func replaceValues(text []byte, edit func(m member, value []byte) []byte) ([]byte, int, error) {
	all, err := members(text)
	if err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	n, done := 0, 0
	for _, m := range all {
		if v := edit(m, text[m.value:m.end]); v != nil {
			b.Write(text[done:m.value])
			b.Write(v)
			n, done = n+1, m.end
		}
	}
	b.Write(text[done:])
	return b.Bytes(), n, nil
}
