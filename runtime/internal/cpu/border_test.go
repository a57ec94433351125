package cpu

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestBorders moves the border between two chunks in the middle of a stream. It moves the bit, the element, or
// both, so that they fit each other again.
func TestBorders(t *testing.T) {
	const gapBytes = codebook.ChunkWindows * codebook.GapBits / 8
	for _, name := range []string{"limit=11", "published"} {
		all := samples.Books()
		bc := all[slices.IndexFunc(all, func(bc samples.Book) bool { return bc.Name == name })]
		sound, err := codebook.Encode(bc.Book, bc.Weights)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name          string
			bits, element int // the distances by which the border moves; bits -1 stands for the code of the element
			sound         bool
		}{
			{"gap", 1, 0, false},
			{"position up", 0, 1, false},
			{"position down", 0, -1, false},
			{"both", -1, 1, true},
		} {
			t.Run(name+"/"+tc.name, func(t *testing.T) {
				for c := 1; c < sound.Chunks(); c += testenv.Pick(5, 1) {
					s := *sound
					s.Gaps = slices.Clone(s.Gaps)
					s.OutputPositions = slices.Clone(s.OutputPositions)
					first, _ := s.ChunkStart(c)
					bits := tc.bits
					if bits < 0 {
						bits = int(bc.Book.Code(codebook.Exponent(bc.Weights[first])).Length)
					}
					gap := int(s.Gaps[gapBytes*c]>>3) + bits
					if gap >= 1<<codebook.GapBits {
						continue
					}
					s.Gaps[gapBytes*c] = byte(gap)<<3 | s.Gaps[gapBytes*c]&7
					binary.LittleEndian.PutUint32(s.OutputPositions[4*c:], uint32(first+tc.element))
					for _, dc := range decoderCases(t, bc.Book) {
						if err := sameAsReference(t, dc, bc.Book, &s, 1); (err == nil) != tc.sound {
							t.Fatalf("border of chunk %d: error %v", c, err)
						}
					}
				}
			})
		}
	}
}
