package differential

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// An outcome is what the specification makes of a stream.
type outcome struct {
	refused string // the error found before a code is read
	chunks  []chunk
	weights []uint16
}

// A chunk is the elements [from, to), with the error that they have.
type chunk struct {
	from, to int
	fault    string
}

// refer decodes a stream as the specification does, each chunk by itself.
func refer(s *codebook.Stream) *outcome {
	o := &outcome{weights: make([]uint16, s.Elements())}
	if err := s.Validate(); err != nil {
		o.refused = err.Error()
		return o
	}
	b, err := codebook.ParseLuts(s.Luts)
	if err != nil {
		o.refused = err.Error()
		return o
	}
	for c := range s.Chunks() {
		from, _ := s.ChunkStart(c)
		to, _ := s.ChunkStart(c + 1)
		var fault string
		if err := codebook.DecodeChunk(b, s, c, o.weights[from:to]); err != nil {
			fault = err.Error()
		}
		o.chunks = append(o.chunks, chunk{from, to, fault})
	}
	return o
}

// of returns the weights [from, to), or the error of the first bad chunk that they lie in.
func (o *outcome) of(from, to int) (weights []uint16, fault string) {
	if o.refused != "" {
		return nil, o.refused
	}
	for _, c := range o.chunks {
		if from < to && c.from < to && from < c.to && c.fault != "" {
			return nil, c.fault
		}
	}
	return o.weights[from:to], ""
}

// sound reports whether all weights decode.
func (o *outcome) sound() bool {
	_, fault := o.of(0, len(o.weights))
	return fault == ""
}

// differs says how a decoder's weights [from, to) of a unit, or its error, differ from the outcome. It returns ""
// if they do not. Only the part of an error after the names of file and unit is compared.
func (o *outcome) differs(u *model.Unit, from, to int, got []uint16, err error) string {
	want, fault := o.of(from, to)
	if err != nil {
		if _, text, ok := strings.Cut(err.Error(), fmt.Sprintf("unit %q: ", u.Name)); !ok || text != fault {
			return fmt.Sprintf("error %v, want %q", err, fault)
		}
		return ""
	}
	if fault != "" {
		return fmt.Sprintf("no error, want %q", fault)
	}
	if !slices.Equal(got, want) {
		return "other weights than the reference"
	}
	return ""
}
