package jsonedit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth is how deep values may be nested, as in package json.
const maxDepth = 10000

// Stream reads the one object in r, with only one token in memory at a time. read gets the name of each member and
// must read its value from d. Numbers among the tokens of d have the type [json.Number].
func Stream(r io.Reader, read func(d *json.Decoder, name string) error) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	err := Object(d, read)
	if err == nil {
		if _, err = d.Token(); err == nil {
			return errors.New("more than one JSON value")
		}
		if err == io.EOF {
			return nil
		}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("unexpected end of JSON input")
	}
	return err
}

// Object reads an object from d. read gets the name of each member and must read its value. Null stands for an
// object without members.
func Object(d *json.Decoder, read func(d *json.Decoder, name string) error) error {
	return enter(d, '{', "object", func() error {
		t, err := d.Token()
		if err != nil {
			return err
		}
		return read(d, t.(string))
	})
}

// Array reads an array from d. read must read each element. Null stands for an array without elements.
func Array(d *json.Decoder, read func(d *json.Decoder) error) error {
	return enter(d, '[', "array", func() error { return read(d) })
}

// enter reads an object or an array, and calls read for each member or element.
func enter(d *json.Decoder, begin json.Delim, what string, read func() error) error {
	t, err := d.Token()
	switch {
	case err != nil || t == nil:
		return err
	case t != begin:
		return fmt.Errorf("unexpected %s, want an %s", describe(t), what)
	}
	for d.More() {
		if err := read(); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// String reads a string of at most limit bytes from d. Null stands for the empty string.
func String(d *json.Decoder, limit int) (string, error) {
	t, err := d.Token()
	if err != nil || t == nil {
		return "", err
	}
	s, ok := t.(string)
	switch {
	case !ok:
		return "", fmt.Errorf("unexpected %s, want a string", describe(t))
	case len(s) > limit:
		return "", fmt.Errorf("a string of %d bytes, max %d", len(s), limit)
	}
	return s, nil
}

// Skip reads a value and drops it.
func Skip(d *json.Decoder) error {
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return fmt.Errorf("values nested more than %d deep", maxDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// describe names the kind of a value by its first token.
func describe(t json.Token) string {
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return "object"
		}
		return "array"
	case string:
		return "string"
	case bool:
		return "truth value"
	}
	return "number"
}
