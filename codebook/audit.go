package codebook

import "fmt"

// Audit decodes s and checks what a sequential decoder does not need but a GPU kernel relies on:
// the gap of every window. It returns the first one that differs from what [Encode] writes. What
// fills up the last byte of the stream may be anything.
func Audit(s *Stream) error {
	weights := make([]uint16, s.Elements())
	if err := Decode(weights, s); err != nil {
		return err
	}
	b, err := ParseLuts(s.Luts)
	if err != nil {
		return err
	}
	want, err := Encode(b, weights)
	if err != nil {
		return err
	}
	for w := range s.Chunks() * ChunkWindows {
		if got, want := s.gap(w), want.gap(w); got != want {
			return fmt.Errorf("codebook: window %d: gap of %d bits, want %d", w, got, want)
		}
	}
	return nil
}
