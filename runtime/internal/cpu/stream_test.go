package cpu

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestNewStreamChanges checks that newStream finds faults of an index that came after its validation.
func TestNewStreamChanges(t *testing.T) {
	bc := samples.Books()[1]
	for index := range codebook.IndexNames() {
		x := codebook.Index(index)
		s := samples.Must(newStream(*samples.Must(codebook.EncodeIndexed(bc.Book, bc.Weights, x))))
		if !s.sound(x) {
			t.Errorf("%v: a sound index is not sound", x)
		}
		for name, change := range map[string]func(starts []start){
			"first":       func(starts []start) { starts[0].element = 1 },
			"order":       func(starts []start) { starts[2], starts[3] = starts[3], starts[2] },
			"behind":      func(starts []start) { starts[len(starts)-2].element = len(bc.Weights) + 1 },
			"bits":        func(starts []start) { starts[3].bit = starts[2].bit + 9 },
			"bits behind": func(starts []start) { starts[len(starts)-2].bit = 8*uint64(len(s.Encoded)) + 1 },
		} {
			c := *s
			c.starts = slices.Clone(s.starts)
			change(c.starts)
			if want := x.HasGaps() && strings.HasPrefix(name, "bits"); c.sound(x) != want {
				t.Errorf("%v: %s changed: sound is %t", x, name, !want)
			}
		}
	}
}
