package codebook

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/internal/cost"
)

// FuzzParseLuts checks that any tables are either refused, or give a book that is written and read back unchanged.
func FuzzParseLuts(f *testing.F) {
	for _, b := range testBooks(f) {
		f.Add(b.Luts())
	}
	f.Fuzz(func(t *testing.T, luts []byte) {
		cost.Bounded(t, len(luts), 1<<20, 100, func() {
			b, err := ParseLuts(luts)
			if err != nil {
				return
			}
			again, err := ParseLuts(b.Luts())
			if err != nil {
				t.Fatal(err)
			}
			if again.codes != b.codes || again.Fingerprint() != b.Fingerprint() {
				t.Fatal("a book written and read back differs")
			}
		})
	})
}

// FuzzDecode checks that a stream is either refused, or decodes to weights that encode to the same stream.
func FuzzDecode(f *testing.F) {
	for _, b := range testBooks(f) {
		s, err := Encode(b, []uint16{Join(b.Symbols()[0], 0x81), Join(b.Symbols()[0], 1)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Luts, s.Encoded, s.SignMantissa, s.OutputPositions, s.Gaps)
	}
	f.Fuzz(func(t *testing.T, luts, encoded, signMantissa, outputPositions, gaps []byte) {
		cost.Bounded(t, len(luts)+len(encoded)+len(signMantissa)+len(outputPositions)+len(gaps), 1<<20, 100, func() {
			s := &Stream{Luts: luts, Encoded: encoded, SignMantissa: signMantissa, OutputPositions: outputPositions, Gaps: gaps}
			weights := make([]uint16, len(signMantissa))
			if Decode(weights, s) != nil {
				return
			}
			b, err := ParseLuts(luts)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Encode(b, weights)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again.SignMantissa, signMantissa) || len(again.Encoded) != len(encoded) {
				t.Fatal("decoded weights encode differently")
			}
			if n := len(encoded); n > 1 && !bytes.Equal(again.Encoded[:n-1], encoded[:n-1]) {
				t.Fatal("decoded weights encode differently")
			}
		})
	})
}

// FuzzRoundTrip codes arbitrary words with every scheme.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{0x80, 0x3f, 0x80, 0xbf, 0, 0, 1, 0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		cost.Bounded(t, len(data), 4<<20, 100, func() {
			var weights []uint16
			for ; len(data) >= 2; data = data[2:] {
				weights = append(weights, binary.LittleEndian.Uint16(data))
			}
			var h Histogram
			h.Count(weights)
			for _, name := range []string{"model", "unit", "published"} {
				scheme, err := SchemeByName(name)
				if err != nil {
					t.Fatal(err)
				}
				a, err := scheme.Assign([]Histogram{h})
				if err != nil {
					if name != "published" && h.Expressible() == nil {
						t.Fatal(err)
					}
					continue
				}
				s, err := Encode(a.Books[0], weights)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]uint16, len(weights))
				if err := Decode(got, s); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, weights) {
					t.Fatalf("%s: decoded weights differ", name)
				}
			}
		})
	})
}
