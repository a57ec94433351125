package encode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cost"
)

// trained returns n words that look like trained weights: normally distributed, of small deviation.
func trained(n int, seed uint64) []uint16 {
	r := rand.New(rand.NewPCG(seed, 1))
	weights := make([]uint16, n)
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*0.02)) >> 16)
	}
	return weights
}

// littleEndian returns weights as bytes, at an odd address when asked for.
func littleEndian(weights []uint16, odd bool) []byte {
	b := make([]byte, 0, 2*len(weights)+1)
	if odd {
		b = append(b, 0)
	}
	for _, w := range weights {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	if odd {
		b = b[1:]
	}
	return b
}

// cut cuts weights at random into a few parts, some of them empty.
func cut(weights []uint16, r *rand.Rand) [][]byte {
	var parts [][]byte
	for len(weights) > 0 && len(parts) < 5 {
		n := r.IntN(len(weights) + 1)
		parts = append(parts, littleEndian(weights[:n], r.IntN(2) == 0))
		weights = weights[n:]
	}
	return append(parts, littleEndian(weights, true))
}

// implementations runs a test with the assembly, where there is any, and without.
func implementations(t *testing.T, test func(t *testing.T)) {
	t.Run("impl=fastest", test)
	portable(func() { t.Run("impl=portable", test) })
}

func histogramOf(weights []uint16) *codebook.Histogram {
	var h codebook.Histogram
	h.Count(weights)
	return &h
}

// books returns the code books of all schemes for weights, by name.
func books(t *testing.T, weights []uint16) map[string]*codebook.Book {
	t.Helper()
	h := histogramOf(weights)
	all := map[string]*codebook.Book{}
	for _, name := range []string{"published", "unit", "model"} {
		scheme, err := codebook.SchemeByName(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := scheme.Assign([]codebook.Histogram{*h})
		if err != nil {
			t.Fatal(err)
		}
		all[name] = a.Books[0]
	}
	return all
}

// check holds the encoder to the reference.
func check(t *testing.T, e *Encoder, b *codebook.Book, weights []uint16, parts [][]byte) {
	t.Helper()
	for index := range codebook.IndexNames() {
		e.Index = codebook.Index(index)
		checkIndex(t, e, b, weights, parts)
	}
}

// checkIndex holds the encoder to the reference with one index.
func checkIndex(t *testing.T, e *Encoder, b *codebook.Book, weights []uint16, parts [][]byte) {
	t.Helper()
	want, err := codebook.EncodeIndexed(b, weights, e.Index)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Encode(b, parts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("bytes", func(b []byte) string { return string(b) })); diff != "" {
		t.Fatalf("%d weights in %d parts: not as the reference (-want +got):\n%.2000s", len(weights), len(parts), diff)
	}
}

func TestEncodeIsTheReference(t *testing.T) { implementations(t, testEncodeIsTheReference) }

func testEncodeIsTheReference(t *testing.T) {
	weights := trained(16*blockElements+17, 1)
	for name, book := range books(t, weights) {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				e := Encoder{Workers: workers} // one for all: memory that was used before must not show
				r := rand.New(rand.NewPCG(9, 9))
				sizes := []int{len(weights), 100_000}
				for d := -3; d <= 3; d++ {
					sizes = append(sizes, blockElements+d, 3*blockElements+d)
				}
				for n := range 301 {
					sizes = append(sizes, n)
				}
				for _, n := range sizes {
					check(t, &e, book, weights[:n], cut(weights[:n], r))
				}
			})
		}
	}
}

// TestEncodeEnds covers the ends that the index tensors treat apart: streams that end with a chunk
// or a window, on a byte or not, with a last code that reaches over the boundary or ends at it.
func TestEncodeEnds(t *testing.T) { implementations(t, testEncodeEnds) }

func testEncodeEnds(t *testing.T) {
	var h codebook.Histogram
	for s := range 12 {
		h[100+s] = 1 << (12 - s)
	}
	published, err := codebook.Published(&h)
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := codebook.Canonical(&h, 32)
	if err != nil {
		t.Fatal(err)
	}
	for name, book := range map[string]*codebook.Book{"published": published, "canonical": canonical} {
		for _, long := range []uint8{105, 111} {
			t.Run(fmt.Sprintf("%s/%v", name, book.Code(long)), func(t *testing.T) { testEncodeEnd(t, book, 100, long) })
		}
	}
}

// testEncodeEnd codes units of short codes up to some bits from a boundary, a long one, and short ones behind it.
func testEncodeEnd(t *testing.T, book *codebook.Book, short, long uint8) {
	var e Encoder
	for _, boundary := range []int{codebook.WindowBits, codebook.ChunkBits, 2 * codebook.ChunkBits} {
		for before := range 20 {
			for after := range 3 {
				n := (boundary - before) / int(book.Code(short).Length)
				weights := make([]uint16, n, n+after+1)
				for i := range weights {
					weights[i] = codebook.Join(short, uint8(i))
				}
				weights = append(weights, codebook.Join(long, 3))
				for range after {
					weights = append(weights, codebook.Join(short, 0))
				}
				check(t, &e, book, weights, [][]byte{littleEndian(weights, false)})
			}
		}
	}
}

// A bookCase is a book and a way to draw weights for it.
type bookCase struct {
	book     *codebook.Book
	exponent func(r *rand.Rand) uint8
}

func (c *bookCase) weights(r *rand.Rand, n int) []uint16 {
	weights := make([]uint16, n)
	for i := range weights {
		weights[i] = codebook.Join(c.exponent(r), uint8(r.Uint32()))
	}
	return weights
}

// bookCases returns books that lead the packer to all its paths, by name.
func bookCases(t *testing.T) map[string]*bookCase {
	t.Helper()
	canonical := func(h *codebook.Histogram, limit int, exponent func(r *rand.Rand) uint8) *bookCase {
		book, err := codebook.Canonical(h, limit)
		if err != nil {
			t.Fatal(err)
		}
		return &bookCase{book, exponent}
	}
	var steep, halving, one, all codebook.Histogram
	for k := range 21 {
		halving[123-k] = 1 << (20 - k)
	}
	for k := range codebook.MaxLength {
		steep[100+k] = 1 << k // a code of every length, the longest first
	}
	one[77] = 1000
	for s := range codebook.MaxSymbol + 1 {
		all[s] = 1
	}
	cases := map[string]*bookCase{
		"halving": canonical(&halving, 12, func(r *rand.Rand) uint8 { return uint8(123 - bits.TrailingZeros(uint(r.Uint32()|1<<20))) }),
		// Codes of all lengths, so that groups of codes longer than a window are among the groups.
		"long": canonical(&steep, codebook.MaxLength, func(r *rand.Rand) uint8 { return uint8(100 + r.IntN(32)) }),
		// Now and then a group is too long.
		"some long": canonical(&steep, codebook.MaxLength, func(r *rand.Rand) uint8 {
			if r.IntN(1000) == 0 {
				return uint8(100 + r.IntN(32))
			}
			return uint8(129 + r.IntN(3))
		}),
		// Nothing but codes of 32 bits.
		"longest": canonical(&steep, codebook.MaxLength, func(*rand.Rand) uint8 { return 100 }),
		"one":     canonical(&one, 8, func(*rand.Rand) uint8 { return 77 }),
		"all":     canonical(&all, 9, func(r *rand.Rand) uint8 { return uint8(r.IntN(codebook.MaxSymbol + 1)) }),
	}
	if n := cases["longest"].book.Code(100).Length; n != codebook.MaxLength {
		t.Fatalf("the longest code has %d bits", n)
	}
	return cases
}

// TestEncodeBooks packs blocks and parts of blocks with all kinds of books.
func TestEncodeBooks(t *testing.T) {
	for name, tc := range bookCases(t) {
		t.Run(name, func(t *testing.T) {
			implementations(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(8, 8))
				e := Encoder{Workers: 2}
				for _, n := range []int{3*blockElements + 5, 2 * blockElements, blockElements + 3, 1000, 17, 8, 1} {
					weights := tc.weights(r, n)
					check(t, &e, tc.book, weights, cut(weights, r))
				}
			})
		})
	}
}

// TestLastExponent packs blocks whose last exponent is another than those before.
func TestLastExponent(t *testing.T) {
	implementations(t, func(t *testing.T) {
		weights := make([]uint16, blockElements)
		for i := range weights {
			weights[i] = codebook.Join(uint8(100+i%40), uint8(i))
		}
		book, err := codebook.Canonical(histogramOf(weights), 12)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 2, 7, 8, 9, 31, 32, 33, 1000, blockElements} {
			p := new(packer)
			p.pack(newCodes(book, nil), littleEndian(weights[:n], false), make([]byte, n))
			if have, want := p.lastExponent(), codebook.Exponent(weights[n-1]); have != want {
				t.Errorf("%d weights: last exponent %d, want %d", n, have, want)
			}
		}
	})
}

// TestEncodeTiles codes units that end around the borders of lanes and tiles, wide tiles and others.
func TestEncodeTiles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for name, tc := range bookCases(t) {
		t.Run(name, func(t *testing.T) {
			weights := tc.weights(r, 5*codebook.TileElements)
			var e Encoder
			for _, border := range []int{64, 128, codebook.TileElements - 64, codebook.TileElements, codebook.TileElements + 64, 4 * codebook.TileElements} {
				for d := -2; d <= 2; d++ {
					check(t, &e, tc.book, weights[:border+d], cut(weights[:border+d], r))
				}
			}
		})
	}
}

// TestEncodeWide codes tiles around the most bits that a lane may take over the least before the tile is wide.
func TestEncodeWide(t *testing.T) {
	var lengths [256]uint8
	lengths[100], lengths[101], lengths[102] = 1, 2, 16
	book, err := codebook.NewCanonical(&lengths, 16)
	if err != nil {
		t.Fatal(err)
	}
	for over := codebook.MostOver - 3; over <= codebook.MostOver+3; over++ {
		for _, lane := range []int{0, 1, codebook.TileLanes - 1} {
			weights := slices.Repeat([]uint16{codebook.Join(100, 1)}, codebook.TileElements)
			for i := range over / 15 {
				weights[codebook.LaneElements*lane+i] = codebook.Join(102, 1)
			}
			for i := range over % 15 {
				weights[codebook.LaneElements*lane+63-i] = codebook.Join(101, 1)
			}
			check(t, new(Encoder), book, weights, [][]byte{littleEndian(weights, false)})
		}
	}
}

// TestEncodeGrows codes a unit whose first blocks let expect far less than the others need, with an
// encoder that has no memory yet.
func TestEncodeGrows(t *testing.T) {
	tc := bookCases(t)["long"]
	weights := make([]uint16, 2*blockElements, 6*blockElements)
	for i := range weights {
		weights[i] = codebook.Join(131, uint8(i))
	}
	weights = append(weights, tc.weights(rand.New(rand.NewPCG(2, 2)), 4*blockElements)...)
	for _, workers := range []int{1, 4} {
		check(t, &Encoder{Workers: workers}, tc.book, weights, [][]byte{littleEndian(weights, true)})
	}
}

func TestEncodeErrors(t *testing.T) {
	weights := trained(2*blockElements, 2)
	book, err := codebook.Canonical(histogramOf(weights), 12)
	if err != nil {
		t.Fatal(err)
	}
	bad := littleEndian(weights, false)
	at := blockElements + 77
	binary.LittleEndian.PutUint16(bad[2*at:], codebook.Join(7, 0))
	for _, tc := range []struct {
		name  string
		parts [][]byte
		want  string
	}{
		{"no code", [][]byte{bad[:10], bad[10:]}, fmt.Sprintf("encode: weight %d has exponent 7, which has no code", at)},
		{"odd part", [][]byte{bad[:4], bad[:5]}, "encode: part 1 has 5 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := new(Encoder).Encode(book, tc.parts)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	// Where a file is rewritten meanwhile, the weight without a code may be gone.
	u, err := newInput([][]byte{littleEndian(weights, false)})
	if err != nil {
		t.Fatal(err)
	}
	if err := u.missing(book); err == nil || !strings.Contains(err.Error(), "the weights changed while they were read") {
		t.Errorf("error %v", err)
	}
}

func TestHistogram(t *testing.T) {
	trainedWeights := trained(2*histogramBytes, 3) // four pieces
	r := rand.New(rand.NewPCG(4, 4))
	all := make([]uint16, 1<<18) // four times each word, in any order
	for i, w := range r.Perm(len(all)) {
		all[i] = uint16(w)
	}
	changing := slices.Concat(all[:50_000], trainedWeights[:50_000], make([]uint16, 50_000))
	implementations(t, func(t *testing.T) {
		for name, weights := range map[string][]uint16{
			"trained": trainedWeights, "all": all, "changing": changing, "zeros": make([]uint16, 100_001), "none": nil,
			"largest": slices.Repeat([]uint16{0xffff, 0x7f80}, 20_000),
		} {
			want := *histogramOf(weights)
			for _, workers := range []int{0, 1, 3} {
				if got := Histogram(cut(weights, r), workers); got != want {
					t.Errorf("%s, %d workers: not as codebook.Histogram.Count", name, workers)
				}
			}
		}
	})
}

// FuzzEncode holds the encoder to the reference for any words, any books made for them, and any cut
// into parts.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("\x00\x3c\x10\x3c\x00\xbd"), uint8(0), uint16(1))
	f.Add(littleEndian(trained(500, 6), false), uint8(1), uint16(33))
	f.Fuzz(func(t *testing.T, data []byte, limit uint8, split uint16) {
		cost.Bounded(t, len(data), 16<<20, 100, func() {
			data = data[:len(data)&^1]
			weights := make([]uint16, 0, len(data)/2)
			for i := 0; i < len(data); i += 2 {
				if w := binary.LittleEndian.Uint16(data[i:]); codebook.Exponent(w) <= codebook.MaxSymbol {
					weights = append(weights, w)
				}
			}
			h := histogramOf(weights)
			book, err := codebook.Canonical(h, int(8+limit%25))
			if limit%2 == 1 {
				book, err = codebook.Published(h)
			}
			if err != nil {
				t.Skip(err)
			}
			at := 2 * (int(split) % (len(weights) + 1))
			b := littleEndian(weights, split%3 == 0)
			check(t, &Encoder{Workers: 2}, book, weights, [][]byte{b[:at], b[at:]})
			portable(func() { check(t, &Encoder{Workers: 1}, book, weights, [][]byte{b}) })
		})
	})
}

// BenchmarkEncode compares the encoder with the reference and with a copy of the weights; all is histogram
// and encode together, what it takes from weights to tensors.
func BenchmarkEncode(b *testing.B) {
	const n = 16 << 20
	weights := trained(n, 5)
	parts := [][]byte{littleEndian(weights, false)}
	book, err := codebook.Canonical(histogramOf(weights), 12)
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, do func() error) {
		b.Run("impl="+name, func(b *testing.B) {
			b.SetBytes(2 * n)
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e9, "Gweights/s")
		})
	}
	copied := make([]byte, 2*n)
	run("memcpy", func() error {
		copy(copied, parts[0])
		return nil
	})
	run("reference", func() error {
		_, err := codebook.Encode(book, weights)
		return err
	})
	for _, workers := range []int{1, 2} {
		name := fmt.Sprintf("/workers=%d", workers)
		e := Encoder{Workers: workers}
		histogram := func() error {
			Histogram(parts, workers)
			return nil
		}
		encode := func() error {
			_, err := e.Encode(book, parts)
			return err
		}
		run("histogram"+name, histogram)
		run("encode"+name, encode)
		tiled := Encoder{Workers: workers, Index: codebook.IndexBoth}
		run("both"+name, func() error {
			_, err := tiled.Encode(book, parts)
			return err
		})
		run("all"+name, func() error { return errors.Join(histogram(), encode()) })
		portable(func() { run("portable"+name, func() error { return errors.Join(histogram(), encode()) }) })
	}
}
