package rans

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// The families of decoders. The names are those of the options of package runtime.
const (
	AVX512  = "avx512"
	AVX2    = "avx2"
	Generic = "generic"
)

// A Stream is a stream that has been validated.
type Stream struct {
	*rans.Stream
	layout   rans.Layout
	portable func() *portable // makes it on first use, or on each if it is larger than the weights
	tables   *states.Tables
	// Decoders of blocks of this stream, and of those of several streams. They are nil for portable Go.
	one, mixed states.Decoder
	multiply   states.Multiplier // nil if there is none
}

// New validates a stream. It copies the index, because a mapped file may change later, and the sizes in the index are not
// checked again. A family of decoders is named as in package runtime.
func New(in *rans.Stream, family string) (*Stream, error) {
	s := new(rans.Stream)
	*s = *in
	s.Index = slices.Clone(in.Index)
	t, layout, err := s.Validate()
	if err != nil {
		return nil, err
	}
	a := t.Alias()
	assembly := familyOf(family)
	table := func() *portable { return newPortable(s.Form, a) }
	if 2*s.Weights >= int(unsafe.Sizeof(portable{})) {
		table = sync.OnceValue(table)
	}
	return &Stream{
		Stream: s, layout: layout, tables: states.NewTables(s.Form, a),
		one: assembly.one[s.Form], mixed: assembly.mixed[s.Form], multiply: assembly.multipliers[s.Form],
		portable: table,
	}, nil
}

// Decode writes the weights of blocks [from, to) to dst, which has room for as many, and returns nil, or a
// [*rans.BlockError] for the first block that cannot be decoded. Then dst may hold anything. It does not look at the
// checksums: see [Stream.Check].
func (s *Stream) Decode(from, to int, dst []uint16) error {
	return s.decode(from, to, 2*s.Weights <= cachedBytes, dst)
}

// decode is Decode. It writes through the caches, or around them where that can be done.
func (s *Stream) decode(from, to int, through bool, dst []uint16) error {
	for from < to {
		var all [states.Blocks]progress
		n, ok := 0, true
		for ; n < len(all) && from+n < to && ok; n++ {
			part := dst[:min(len(dst), s.BlockWeights)]
			all[n], ok = s.start(from+n, part)
			dst = dst[len(part):]
		}
		sound := n
		if !ok {
			sound--
		}
		if bad, cause := decodeBlocks(all[:sound], through); cause != 0 {
			return &rans.BlockError{Block: from + bad, Cause: cause}
		}
		if !ok {
			return &rans.BlockError{Block: from + sound, Cause: rans.BadState}
		}
		from += n
	}
	return nil
}

// Check compares decoded blocks [from, to) with their checksums. Its error is a [*rans.BlockError].
func (s *Stream) Check(from, to int, weights []uint16) error {
	for ; from < to; from++ {
		part := weights[:min(len(weights), s.BlockWeights)]
		if rans.Sum(part) != s.Sum(from) {
			return &rans.BlockError{Block: from, Cause: rans.BadSum}
		}
		weights = weights[len(part):]
	}
	return nil
}
