package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxJSON bounds every JSON text the package reads: the header limit of the safetensors format.
const maxJSON = 100_000_000

// maxDepth bounds the nesting of values that are skipped, because the decoder keeps a stack.
const maxDepth = 1000

// jsonText reads JSON token by token. Unlike json.Unmarshal it keeps the order of keys, and refuses duplicate
// keys. It also refuses bytes that are not UTF-8, which the standard decoder silently replaces.
type jsonText struct{ dec *json.Decoder }

// newJSONText starts reading text, which must be valid UTF-8.
func newJSONText(text []byte) (*jsonText, error) {
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("not valid UTF-8 at byte %d", invalidUTF8(text))
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return &jsonText{dec}, nil
}

// invalidUTF8 returns the offset of the first byte that is not part of valid UTF-8.
func invalidUTF8(b []byte) int {
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		at += n
	}
	return at
}

// end returns an error if there is text after the value.
func (j *jsonText) end() error {
	if t, err := j.dec.Token(); err != io.EOF {
		if err != nil {
			return fmt.Errorf("text after the JSON value: %w", err)
		}
		return fmt.Errorf("text after the JSON value: %v", t)
	}
	return nil
}

// token returns the next token; the end of the text is an error.
func (j *jsonText) token() (json.Token, error) {
	t, err := j.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return t, err
}

// open reads the delimiter that begins an object or array.
func (j *jsonText) open(want json.Delim, what string) error {
	t, err := j.token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%s expected, have %s", what, describe(t))
	}
	return nil
}

// object reads an object, calling value to read the value of each key.
func (j *jsonText) object(value func(key string) error) error {
	if err := j.open('{', "object"); err != nil {
		return err
	}
	return j.members(value)
}

// members reads the rest of an object whose opening brace has been read.
func (j *jsonText) members(value func(key string) error) error {
	seen := map[string]bool{}
	for j.dec.More() {
		key, err := j.str()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("duplicate key %q", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	_, err := j.token()
	return err
}

// array reads an array, calling value to read each element.
func (j *jsonText) array(value func() error) error {
	if err := j.open('[', "array"); err != nil {
		return err
	}
	for j.dec.More() {
		if err := value(); err != nil {
			return err
		}
	}
	_, err := j.token()
	return err
}

// text reads a string, whatever it holds.
func (j *jsonText) text() (string, error) {
	t, err := j.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("string expected, have %s", describe(t))
	}
	return s, nil
}

// str reads a string that names something. It refuses U+FFFD: the decoder turns the escape of half a surrogate
// pair into that character, which could make two different names equal.
func (j *jsonText) str() (string, error) {
	s, err := j.text()
	if err == nil && strings.ContainsRune(s, utf8.RuneError) {
		return "", fmt.Errorf("string %q holds U+FFFD or half of a surrogate pair", s)
	}
	return s, err
}

// uint reads a non-negative integer without fraction, exponent or sign.
func (j *jsonText) uint() (uint64, error) {
	t, err := j.token()
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, fmt.Errorf("integer expected, have %s", describe(t))
	}
	v, err := strconv.ParseUint(n.String(), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("integer from 0 to 2^64-1 expected, have %s", n)
	}
	return v, nil
}

// uints reads an array of non-negative integers.
func (j *jsonText) uints() ([]uint64, error) {
	list := []uint64{}
	err := j.array(func() error {
		v, err := j.uint()
		list = append(list, v)
		return err
	})
	return list, err
}

// strings reads an array of strings.
func (j *jsonText) strings() ([]string, error) {
	list := []string{}
	err := j.array(func() error {
		s, err := j.str()
		list = append(list, s)
		return err
	})
	return list, err
}

// skip reads a value of any kind.
func (j *jsonText) skip() error {
	depth := 0
	for {
		t, err := j.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return fmt.Errorf("more than %d levels deep", maxDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// describe names a token for an error.
func describe(t json.Token) string {
	switch v := t.(type) {
	case nil:
		return "null"
	case json.Delim:
		return fmt.Sprintf("%q", v.String())
	case string:
		return fmt.Sprintf("string %.40q", v)
	case json.Number:
		return fmt.Sprintf("number %.40s", v)
	}
	return fmt.Sprint(t)
}
