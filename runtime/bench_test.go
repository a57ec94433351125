package runtime

import (
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// BenchmarkDecode compares the decoders on one core: weights that look trained, a code limited as the scheme "model" does
// and the published one.
func BenchmarkDecode(b *testing.B) {
	const n = 4 << 20
	weights := trained(n, 11)
	h := histogram(weights)
	dst := make([]uint16, n)
	bench := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(2 * n)
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e9, "Gweights/s")
		})
	}
	bench("impl=memcpy", func() { copy(dst, weights) })
	for _, c := range []struct {
		name string
		book *codebook.Book
	}{
		{"limited", must(codebook.Canonical(h, 11))},
		{"published", must(codebook.Published(h))},
	} {
		s, err := codebook.Encode(c.book, weights)
		if err != nil {
			b.Fatal(err)
		}
		for _, dc := range decoderCases(b, c.book) {
			bench("book="+c.name+"/impl="+dc.name, func() {
				if bad := dc.decoder.decode(s, 0, s.Chunks(), dst); bad != s.Chunks() {
					b.Fatalf("chunk %d rejected", bad)
				}
			})
		}
	}
}
