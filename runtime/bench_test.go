package runtime

import (
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// BenchmarkDecode compares the decoders on one core: weights that look trained, with a code limited
// to the 11 bits of the table and with the published one.
func BenchmarkDecode(b *testing.B) {
	const n = 16 << 20
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
	for _, bc := range []bookCase{
		{"limited", must(codebook.Canonical(h, 11)), weights},
		{"published", must(codebook.Published(h)), weights},
	} {
		name, book := bc.name, bc.book
		coded := must(codebook.Encode(book, weights))
		s := must(newStream(*coded))
		bench("book="+name+"/impl=memcpy", func() { copy(dst, weights) })
		bench("book="+name+"/impl=reference", func() {
			if err := codebook.Decode(dst, coded); err != nil {
				b.Fatal(err)
			}
		})
		for _, dc := range namedDecoders(b, book) {
			bench("book="+name+"/impl="+dc.name, func() {
				if bad := dc.decoder.decode(s, 0, s.Chunks(), dst); bad != s.Chunks() {
					b.Fatalf("chunk %d rejected", bad)
				}
			})
		}
	}
}

// namedDecoders lists the decoders that users meet.
func namedDecoders(b *testing.B, book *codebook.Book) []decoderCase {
	var cases []decoderCase
	for _, d := range onCPU() {
		if !d.Available {
			b.Logf("without %s: %s", d.Name, d.Reason)
			continue
		}
		cases = append(cases, decoderCase{d.Name, must(newFamily(book, d.Name, nil, false))})
	}
	return cases
}
