package runtime

import (
	"errors"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestOddLuts decodes units whose luts have an entry that no encoder writes. They still hold a code book, but
// without the code of the replaced entry. GPUs read the luts.
func TestOddLuts(t *testing.T) {
	bc := samples.Books()[1]
	const n = 3000
	var units []testUnit
	luts := bc.Book.Luts()
	for i := range len(luts) - 256 {
		odd := slices.Clone(luts)
		odd[i] ^= 1
		if _, err := codebook.ParseLuts(odd); err == nil {
			units = append(units, testUnit{
				name: "u" + string(rune('a'+len(units)%26)) + string(rune('a'+len(units)/26)),
				book: bc.Book, weights: bc.Weights[:n], damage: func(s *codebook.Stream) { s.Luts = odd },
			})
		}
	}
	path := write(t, units...)
	refused := 0
	eachDecoder(t, func(t *testing.T, decoder string) {
		m := open(t, path, WithDecoder(decoder))
		got, want := make([]uint16, n), make([]uint16, n)
		for _, u := range m.units {
			var fault, wantFault *codebook.StreamError
			errors.As(codebook.Decode(want, &u.coded.Stream), &wantFault)
			err := m.DecodeUnit(t.Context(), u.Name, got)
			errors.As(err, &fault)
			switch {
			case wantFault == nil && err == nil && slices.Equal(got, want):
			case wantFault != nil && fault != nil && *fault == *wantFault:
				refused++
			default:
				t.Errorf("unit %s: error %v, want %v", u.Name, err, wantFault)
			}
		}
	})
	if refused == 0 {
		t.Errorf("none of %d units lacks a code", len(units))
	}
}
