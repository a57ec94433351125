package runtime

import (
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/shapes"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// BenchmarkDecode compares the decoders on one core: weights that look trained, with a code limited
// to the 11 bits of the table and with the published one. avx2-emitted is what a generated package
// would have for the limited code.
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
	cases := []decoderCase{{"generic", must(newPortable(book, portableBits, kernel.EntrySymbols))}}
	for _, name := range []string{AVX512, AVX2} {
		own, _ := assembly(name, nil)
		if i := slices.IndexFunc(Available(), func(d DecoderInfo) bool { return d.Name == name }); !Available()[i].Available {
			b.Logf("without %s: %s", name, Available()[i].Reason)
			continue
		}
		cases = append(cases, decoderCase{name + "-table", must(newLanes(book, own[0]))})
		for _, d := range shapes.Decoders() {
			if d.Form == own[0].Form && d.TableBits == book.MaxLength() && d.TableBits == 11 {
				cases = append(cases, decoderCase{name + "-emitted", must(newLanes(book, d))})
			}
		}
	}
	return cases
}
