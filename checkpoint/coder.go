package checkpoint

import (
	"cmp"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// A coder is a codec of [Compress], for one model.
type coder interface {
	// key names the codec and its options. An output that was begun with another key cannot be resumed.
	key() string
	// choose decides which tensors of a counted model are coded. It removes the others from the partition, and says in
	// the report how the rest is coded.
	choose(m *countedModel, r *CompressReport) error
	// unitKey names what decides how unit i is coded, besides its weights.
	unitKey(i int) string
	// worker returns a function that codes units, one after another: unit i of the partition, with a number of
	// goroutines. It returns what is to be written to a file, in memory that the next call may use again.
	worker() func(u *model.PartitionUnit, i, workers int) ([]model.Entry, error)
	// measure adds the size of a stored tensor of a unit.
	measure(s *UnitSize, name string, data []byte)
	// config adds to the text of a config.json what says how the model is coded.
	config(text []byte, p *model.Partition) ([]byte, error)
	// metadata changes the metadata of a safetensors file.
	metadata(all map[string]string)
	// sidecar describes the codec in a sidecar, and book unit i.
	sidecar(s *model.Sidecar)
	book(i int) string
}

// newCoder returns the codec that the options name.
func (o *CompressOptions) newCoder() (coder, error) {
	switch o.Codec {
	case model.RANS:
		return &ransCoder{form: o.Form}, nil
	case model.DF11, "":
	default:
		return nil, fmt.Errorf("checkpoint: no codec %q", o.Codec)
	}
	scheme, err := codebook.SchemeByName(cmp.Or(o.Scheme, Schemes()[0]))
	if err != nil {
		return nil, err
	}
	return &df11Coder{scheme: scheme, index: o.Index}, nil
}

// UnitSize is the size of stored tensors of units. With DF11, RANS is nil.
type UnitSize struct {
	codebook.Size
	RANS *RANSSize `json:"rans,omitempty"`
}

// RANSSize is the size of the parts of tensors that are coded with rANS: see package rans.
type RANSSize struct {
	// Headers is the size of headers, tables, indices, and what aligns the parts.
	Headers uint64 `json:"headers"`
	Blocks  uint64 `json:"blocks"`
	Plane   uint64 `json:"plane"`
}

// Total returns the size of all tensors together.
func (s *UnitSize) Total() uint64 {
	n := s.Size.Total()
	if s.RANS != nil {
		n += s.RANS.Headers + s.RANS.Blocks + s.RANS.Plane
	}
	return n
}

// add adds the sizes of o.
func (s *UnitSize) add(o *UnitSize) {
	s.Size.Add(&o.Size)
	if o.RANS != nil {
		if s.RANS == nil {
			s.RANS = new(RANSSize)
		}
		s.RANS.Headers += o.RANS.Headers
		s.RANS.Blocks += o.RANS.Blocks
		s.RANS.Plane += o.RANS.Plane
	}
}
