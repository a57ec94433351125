package cpu

import (
	"errors"

	"github.com/seed54244801/bespoke/codebook"
)

// A stream is a validated stream with a copy of its index. The index in the file may change after the checks, as
// codes may. But decoders rely on the index: it tells which elements belong to the memory that they write to.
type stream struct {
	codebook.Stream         // without an index
	starts          []start // of each chunk, and then the end
	gaps            []byte  // those of the file, which may change, so they are only hints; nil if it has none
	// cached says that words are written through the caches, whatever their number, because they are read again soon.
	cached bool
}

// A start is the place where a chunk starts.
type start struct {
	element int
	bit     uint64
}

// newStream validates a stream.
func newStream(s codebook.Stream) (*stream, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	codes := codebook.Stream{Encoded: s.Encoded, SignMantissa: s.SignMantissa}
	r := &stream{Stream: codes, starts: make([]start, s.Chunks()+1)}
	if s.Index().HasGaps() {
		r.gaps = s.Gaps
	}
	for c := range r.starts {
		r.starts[c].element, r.starts[c].bit = s.ChunkStart(c)
	}
	if !r.sound(s.Index()) {
		return nil, errChanged
	}
	return r, nil
}

// errChanged is the error of an index that was valid at first, and then was not.
var errChanged = errors.New("the index changed while it was read")

// sound checks the properties of the copied index that decoders rely on. Validate has checked the same in the file.
// Elements must not descend, and must not exceed their number. Without gaps, there must be at least a bit of codes
// for each element.
func (s *stream) sound(x codebook.Index) bool {
	before, last := start{}, s.starts[len(s.starts)-1]
	for _, at := range s.starts {
		if at.element < before.element || at.element > last.element {
			return false
		}
		if !x.HasGaps() && (at.bit < before.bit+uint64(at.element-before.element) || at.bit > last.bit) {
			return false
		}
		before = at
	}
	return s.starts[0] == start{}
}

// throughCaches returns the same stream with cached set.
func (s *stream) throughCaches() *stream {
	c := *s
	c.cached = true
	return &c
}

// Chunks returns the number of chunks.
func (s *stream) Chunks() int { return len(s.starts) - 1 }

// ChunkStart returns the first element of chunk c and the bit at which its code starts; see
// [codebook.Stream.ChunkStart].
func (s *stream) ChunkStart(c int) (element int, bit uint64) {
	at := s.starts[c]
	return at.element, at.bit
}

// EndsAt reports whether a decoder that has decoded all elements of chunk c may stand at bit; see
// [codebook.Stream.EndsAt].
func (s *stream) EndsAt(c int, bit uint64) bool {
	if next, start := s.ChunkStart(c + 1); next < s.Elements() {
		return bit == start
	}
	return (bit+7)/8 == uint64(len(s.Encoded))
}
