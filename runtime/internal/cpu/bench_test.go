package cpu

import (
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// BenchmarkDecode compares the decoders on one core, with weights like those of a trained model. One code book is
// limited to the 11 bits of the table, and one is the published one.
func BenchmarkDecode(b *testing.B) {
	const n = 16 << 20
	weights := samples.Trained(n, 11)
	h := samples.Histogram(weights)
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
	for _, bc := range []samples.Book{
		{Name: "limited", Book: samples.Must(codebook.Canonical(h, 11)), Weights: weights},
		{Name: "published", Book: samples.Must(codebook.Published(h)), Weights: weights},
	} {
		name, book := bc.Name, bc.Book
		coded := samples.Must(codebook.Encode(book, weights))
		s := samples.Must(newStream(*coded))
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

// namedDecoders lists the decoders that users can choose.
func namedDecoders(b *testing.B, book *codebook.Book) []decoderCase {
	var cases []decoderCase
	for _, family := range []string{AVX512, AVX2, Generic} {
		if missing := Missing(family); missing != "" {
			b.Logf("without %s: %s", family, missing)
			continue
		}
		cases = append(cases, decoderCase{family, NewDecoder(book, family, nil, false)})
	}
	return cases
}
