package model

import (
	"encoding/json"
	"fmt"
)

// MaxHeader is the largest safetensors header in bytes.
const MaxHeader = maxJSON

// metadataKey is the one header entry that is not a tensor.
const metadataKey = "__metadata__"

// Header is the parsed header of a safetensors file.
type Header struct {
	// Metadata holds the free strings of "__metadata__", nil when there is none.
	Metadata map[string]string
	// Tensors holds the tensors in the order of their bytes.
	Tensors []*Tensor

	byName map[string]*Tensor
}

// Tensor returns the tensor of that name, nil when there is none.
func (h *Header) Tensor(name string) *Tensor { return h.byName[name] }

// ParseHeader parses the text of a safetensors header, padding included, and checks it against the
// dataSize bytes that follow it in the file: the tensors must cover them from the first to the last
// without overlap or hole, and each must take exactly what its dtype and shape say.
func ParseHeader(text []byte, dataSize uint64) (*Header, error) {
	h, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := h.check(dataSize); err != nil {
		return nil, err
	}
	return h, nil
}

// check compares the tensors with each other and with the size of the data that they describe.
func (h *Header) check(dataSize uint64) error {
	at := uint64(0)
	for _, t := range h.Tensors {
		if t.End < t.Begin || t.End > dataSize {
			return fmt.Errorf("tensor %q: offsets %d..%d outside data of %d bytes", t.Name, t.Begin, t.End, dataSize)
		}
		if t.Begin < at {
			return fmt.Errorf("tensor %q: offsets %d..%d overlap the tensor before, which ends at %d", t.Name, t.Begin, t.End, at)
		}
		if t.Begin > at {
			return fmt.Errorf("tensor %q: offsets %d..%d leave a hole of %d bytes after %d", t.Name, t.Begin, t.End, t.Begin-at, at)
		}
		size, err := byteSize(t.DType, t.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if size != t.Size() {
			return fmt.Errorf("tensor %q: offsets %d..%d hold %d bytes, %s %v takes %d", t.Name, t.Begin, t.End, t.Size(), t.DType, t.Shape, size)
		}
		at = t.End
	}
	if at != dataSize {
		return fmt.Errorf("%d bytes after the last tensor, which ends at %d of %d", dataSize-at, at, dataSize)
	}
	return nil
}

// parseLoneHeader is ParseHeader for a header without its data. It takes the end of the last tensor as the size of
// the data.
func parseLoneHeader(text []byte) (*Header, error) {
	h, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	size := uint64(0)
	if n := len(h.Tensors); n > 0 {
		size = h.Tensors[n-1].End
	}
	if err := h.check(size); err != nil {
		return nil, err
	}
	return h, nil
}

// parseHeader reads the JSON text. It does not check what the text says.
func parseHeader(text []byte) (*Header, error) {
	if len(text) > MaxHeader {
		return nil, fmt.Errorf("%d bytes, max %d", len(text), MaxHeader)
	}
	if len(text) == 0 || text[0] != '{' {
		return nil, fmt.Errorf("does not begin with '{'")
	}
	j, err := newJSONText(text)
	if err != nil {
		return nil, err
	}
	h := &Header{byName: map[string]*Tensor{}}
	err = j.object(func(key string) error {
		if key == metadataKey {
			h.Metadata, err = parseMetadata(j)
			return err
		}
		t, err := parseTensor(j, key)
		if err == nil {
			err = checkTensor(t)
		}
		if err != nil {
			return fmt.Errorf("tensor %.200q: %w", key, err)
		}
		if len(h.Tensors) == maxTensors {
			return fmt.Errorf("more than %d tensors", maxTensors)
		}
		h.Tensors = append(h.Tensors, t)
		h.byName[key] = t
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := j.end(); err != nil {
		return nil, err
	}
	sortTensors(h.Tensors)
	return h, nil
}

// parseMetadata reads the value of "__metadata__": null or an object of strings.
func parseMetadata(j *jsonText) (map[string]string, error) {
	first, err := j.token()
	if err != nil || first == nil {
		return nil, err
	}
	if first != json.Delim('{') {
		return nil, fmt.Errorf("%s: object expected, have %s", metadataKey, describe(first))
	}
	metadata := map[string]string{}
	err = j.members(func(key string) error {
		value, err := j.text()
		metadata[key] = value
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", metadataKey, err)
	}
	return metadata, nil
}

// parseTensor reads the description of one tensor. Keys the format does not name are skipped, as
// the reference reader does.
func parseTensor(j *jsonText, name string) (*Tensor, error) {
	t := &Tensor{Name: name}
	var dtype, shape, offsets bool
	err := j.object(func(key string) (err error) {
		switch key {
		case "dtype":
			dtype = true
			var s string
			if s, err = j.str(); err == nil && DType(s).Bits() == 0 {
				return fmt.Errorf("unknown dtype %q", s)
			}
			t.DType = DType(s)
		case "shape":
			shape = true
			t.Shape, err = j.uints()
		case "data_offsets":
			offsets = true
			var pair []uint64
			if pair, err = j.uints(); err == nil && len(pair) != 2 {
				return fmt.Errorf("data_offsets has %d numbers, must have 2", len(pair))
			} else if err == nil {
				t.Begin, t.End = pair[0], pair[1]
			}
		default:
			err = j.skip()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !dtype || !shape || !offsets {
		return nil, fmt.Errorf("dtype, shape or data_offsets is missing")
	}
	return t, nil
}
