package codebook

import (
	"math/rand/v2"
	"testing"
)

func TestMultiTable(t *testing.T) {
	for name, b := range testBooks(t) {
		t.Run(name, func(t *testing.T) {
			for _, bits := range []int{1, 8, 11} {
				for _, most := range []int{1, 3, 5} {
					checkMultiTable(t, b, MultiTable(b, bits, most), bits, most)
				}
			}
		})
	}
}

// checkMultiTable encodes the symbols of every entry and compares the codes with the index.
func checkMultiTable(t *testing.T, b *Book, table []Entry, bits, most int) {
	t.Helper()
	for index, e := range table {
		total, prefix := 0, uint64(0)
		for _, s := range e.Symbols {
			c := b.Code(s)
			total += int(c.Length)
			prefix = prefix<<c.Length | uint64(c.Bits)
		}
		if total != int(e.Bits) || total > bits || len(e.Symbols) > most {
			t.Fatalf("index %0*b: %v, codes of %d bits", bits, index, e, total)
		}
		if prefix != uint64(index)>>(bits-total) {
			t.Fatalf("index %0*b starts with %0*b in the entry", bits, index, total, prefix)
		}
		_, next := b.Decode(uint32(index) << (32 - bits) << total)
		if len(e.Symbols) < most && next > 0 && total+int(next) <= bits {
			t.Fatalf("index %0*b: entry %v leaves out a code of %d bits", bits, index, e, next)
		}
	}
}

func BenchmarkReference(b *testing.B) {
	book, err := Canonical(trainedHistogram(), 12)
	if err != nil {
		b.Fatal(err)
	}
	weights := draw(rand.New(rand.NewPCG(1, 1)), book, 1<<16)
	s, err := Encode(book, weights)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(2 * len(weights)))
	for b.Loop() {
		if err := Decode(weights, s); err != nil {
			b.Fatal(err)
		}
	}
}
