// Package jsonedit edits JSON texts in place. Numbers, spaces and the order of keys stay as they are in the text;
// decoding and encoding again would change them.
//
// The texts are configurations that Python wrote: NaN, Infinity and -Infinity count as numbers.
package jsonedit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A Member is a member of a JSON object, given by its place in the text: text[Key:End] is `"key": value`, and
// text[Value:End] is the value.
type Member struct {
	Name            string
	Key, Value, End int
	Depth           int // 1 for a member of the outermost object
}

// Members lists the members of every object in text, in the order in which they end. It fails unless text
// is one object.
func Members(text []byte) ([]Member, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not valid UTF-8")
	}
	standard := Standard(text)
	if !json.Valid(standard) {
		var v any
		return nil, fmt.Errorf("not valid JSON: %w", json.Unmarshal(standard, &v))
	}
	d := json.NewDecoder(bytes.NewReader(standard))
	d.UseNumber()
	var all []Member
	var object func(depth int) error
	var value func(depth int) error
	object = func(depth int) error {
		for d.More() {
			key := skip(text, int(d.InputOffset()))
			t, err := d.Token()
			if err != nil {
				return err
			}
			m := Member{Name: t.(string), Key: key, Depth: depth}
			m.Value = skip(text, int(d.InputOffset()))
			if err := value(depth); err != nil {
				return err
			}
			m.End = int(d.InputOffset())
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

// pythonNumbers are the tokens that Python writes for numbers that JSON does not have, each with a number of the
// same length.
var pythonNumbers = [][2]string{{"NaN", "1.0"}, {"-Infinity", "-1.000000"}, {"Infinity", "1.000000"}}

// Standard returns text with the numbers of Python replaced by others, so that package json accepts it. Every
// token stays at its place.
func Standard(text []byte) []byte {
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

// Printable returns JSON with everything that is not printable as an escape. So it is safe to show: it has nothing
// that a terminal would obey, or that hides other text. It means the same. Line breaks stay.
func Printable(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			out = append(out, `\ufffd`...)
		case r == '\n' || unicode.IsPrint(r):
			out = append(out, text[:size]...)
		case r >= 1<<16:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}

// Explain returns an error of package json in terms of JSON. A value of the wrong type is named by its place in
// the text, not by the Go type it was meant for.
func Explain(err error) error {
	e, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !ok:
		return err
	case e.Field == "":
		return fmt.Errorf("unexpected %s at byte %d", e.Value, e.Offset)
	}
	return fmt.Errorf("%s: unexpected %s", e.Field, e.Value)
}

// skip returns the offset of the next token of valid JSON at or after i.
func skip(text []byte, i int) int {
	for i < len(text) && bytes.IndexByte([]byte(" \t\r\n:,"), text[i]) >= 0 {
		i++
	}
	return i
}

// Remove takes a member of the outermost object out of text, with the comma beside it. The second result says
// whether there was such a member.
func Remove(text []byte, name string) ([]byte, bool, error) {
	all, err := Members(text)
	if err != nil {
		return nil, false, err
	}
	previous := -1 // the end of the previous member
	for _, m := range all {
		if m.Depth != 1 {
			continue
		}
		if m.Name != name {
			previous = m.End
			continue
		}
		from, to := m.Key, m.End
		if previous >= 0 {
			from = previous
		} else if next := skip(text, to); text[next] != '}' {
			to = next
		}
		return append(bytes.Clone(text[:from]), text[to:]...), true, nil
	}
	return text, false, nil
}

// Replace replaces the values of members for which edit returns a new text. If edit returns nil, the old value
// stays. Members inside a replaced value must not be replaced themselves. The second result is the number of
// replaced values.
func Replace(text []byte, edit func(m Member, value []byte) []byte) ([]byte, int, error) {
	all, err := Members(text)
	if err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	n, done := 0, 0
	for _, m := range all {
		if v := edit(m, text[m.Value:m.End]); v != nil {
			b.Write(text[done:m.Value])
			b.Write(v)
			n, done = n+1, m.End
		}
	}
	b.Write(text[done:])
	return b.Bytes(), n, nil
}
