package cpu

import (
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/windows"
)

// The families of decoders. The names are those of the options of package runtime.
const (
	AVX512  = "avx512"
	AVX2    = "avx2"
	Generic = "generic"
)

// A Decoder decodes the streams of one code book. Its methods may be called from several goroutines at once.
type Decoder interface {
	// decode writes the elements of chunks [from, to) of a validated stream to dst. It returns the first chunk that
	// it could not decode, or to if it decoded all.
	decode(s *stream, from, to int, dst []uint16) int
	// decodePart writes len(dst) elements of chunk c of a validated stream to dst, from element from on. It also
	// checks the other elements of the chunk. It reports whether it could decode the chunk.
	decodePart(s *stream, c, from int, dst []uint16) bool
	// sides is the number of chunks that decode decodes side by side.
	sides() int
}

// NewDecoder returns a decoder of book b. Its family must be one that [Missing] finds nothing missing for. cut is
// the assembly that a kernel has for the book, or nil. A book that AVX-512 cannot decode gets a decoder of the
// family AVX2. With free, AVX512 stands for the faster one of AVX512 and AVX2.
func NewDecoder(b *codebook.Book, family string, cut windows.Decoder, free bool) Decoder {
	p := newPortable(b)
	if family == Generic {
		return p
	}
	s := newStrands(p)
	if family == AVX2 {
		return s
	}
	w, ok := newWindows(p, s, cut)
	switch {
	case !ok:
		return s
	case free:
		return &faster{windows: w, strands: s}
	}
	return w
}
