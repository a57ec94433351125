package cpu

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/windows"
	"github.com/seed54244801/bespoke/runtime/internal/shapes"
)

// A decoderCase is one way to decode a book.
type decoderCase struct {
	name    string
	decoder Decoder
}

// decoderCases lists the decoders of this build and machine that can decode a book. They are made
// once for each book.
func decoderCases(tb testing.TB, b *codebook.Book) []decoderCase {
	tb.Helper()
	for _, family := range []string{AVX512, AVX2} {
		if missing := Missing(family); missing != "" {
			tb.Logf("without %s: %s", family, missing)
		}
	}
	made.Lock()
	defer made.Unlock()
	if made.cases[b] == nil {
		made.cases[b] = newDecoderCases(b)
	}
	return made.cases[b]
}

var made = struct {
	sync.Mutex
	cases map[*codebook.Book][]decoderCase
}{cases: make(map[*codebook.Book][]decoderCase)}

func newDecoderCases(b *codebook.Book) []decoderCase {
	cases := []decoderCase{{Generic, newPortable(b)}}
	if Missing(AVX2) != "" {
		return cases
	}
	cases = append(cases, decoderCase{AVX2, newStrands(newPortable(b))})
	if Missing(AVX512) != "" {
		return cases
	}
	add := func(name string, d windows.Decoder, cached int) {
		p := newPortable(b)
		if w, ok := newWindows(p, p, d); ok {
			w.cached = cached
			cases = append(cases, decoderCase{name, w})
		}
	}
	add(AVX512, anyWindows, 0)
	add(AVX512+" cached", anyWindows, math.MaxInt)
	for i, d := range shapes.Windows() {
		add(fmt.Sprintf("%s shape=%d", AVX512, i), d, 0)
	}
	return cases
}
