package cpu

import (
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/windows"
)

// The families of decoders, by the names that users know.
const (
	AVX512  = "avx512"
	AVX2    = "avx2"
	Generic = "generic"
)

// A Decoder decodes the streams of one code book. Its methods may be called from several
// goroutines at once.
type Decoder interface {
	// decode writes the elements of chunks [from, to) of a validated stream to dst. It returns the
	// first chunk that it could not decode, to if there is none.
	decode(s *stream, from, to int, dst []uint16) int
	// decodePart writes the elements of chunk c of a validated stream, from one on, to dst, and checks
	// the others. It reports whether it could decode the chunk.
	decodePart(s *stream, c, from int, dst []uint16) bool
	// sides is the number of chunks that decode decodes side by side.
	sides() int
}

// NewDecoder returns the decoder of a book of a family that lacks nothing, with the assembly that a kernel has for the
// book, if any. With free, avx512 may turn out to be avx2 where that is faster.
func NewDecoder(b *codebook.Book, family string, cut windows.Decoder, free bool) (Decoder, error) {
	p, err := newPortable(b)
	if err != nil || family == Generic {
		return p, err
	}
	l := newLanes(p)
	if family == AVX2 {
		return l, nil
	}
	w, ok := newWindows(p, l, cut)
	switch {
	case !ok:
		return l, nil
	case free:
		return &faster{windows: w, lanes: l}, nil
	}
	return w, nil
}
