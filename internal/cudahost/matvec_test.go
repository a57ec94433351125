package cudahost_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cudahost"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// vectors returns n random bfloat16 numbers around 1.
func vectors(seed uint64, n int) []uint16 {
	r := rand.New(rand.NewPCG(seed, 5))
	x := make([]uint16, n)
	for i := range x {
		x[i] = uint16(math.Float32bits(float32(r.NormFloat64())) >> 16)
	}
	return x
}

func float(bf16 uint16) float64 { return float64(math.Float32frombits(uint32(bf16) << 16)) }

// checkProduct multiplies and holds the result against float64: no sum is further off than float32 sums of so many
// numbers can be, in any order.
func checkProduct(t *testing.T, k *cudahost.Kernel, l cudahost.Launch, weights []uint16) []float32 {
	t.Helper()
	y, err := k.Multiply(l)
	if err != nil {
		t.Fatal(err)
	}
	p := &l.Product
	for b := range p.Batch {
		for r := range p.Rows {
			var sum, size float64
			for c := range p.Columns {
				v := float(weights[p.First+r*p.Columns+c]) * float(p.X[b*p.Columns+c])
				sum += v
				size += math.Abs(v)
			}
			if got, most := float64(y[b*p.Rows+r]), size*float64(p.Columns+64)*0x1p-24; !(math.Abs(got-sum) <= most) {
				t.Fatalf("row %d, vector %d: %g, want %g within %g", r, b, got, sum, most)
			}
		}
	}
	if w := k.ErrorWord(); w != 0 {
		t.Fatalf("error word %#x", w)
	}
	return y
}

// multiplying names the entries that multiply, and how they are compiled and launched for a book.
var multiplying = []struct {
	name    string
	compile func(testing.TB, *codebook.Book) *cudahost.Kernel
	launch  func(testing.TB, *codebook.Stream, cudahost.Product) cudahost.Launch
}{
	{
		"matvec",
		func(t testing.TB, b *codebook.Book) *cudahost.Kernel { return bookKernel(t, b) },
		func(t testing.TB, s *codebook.Stream, p cudahost.Product) cudahost.Launch {
			return cudahost.Launch{Stream: s, Entry: cudahost.Matvec, Unit: 3, Product: p}
		},
	},
	{
		"matvec_table",
		func(t testing.TB, _ *codebook.Book) *cudahost.Kernel { return tableKernel(t) },
		func(t testing.TB, s *codebook.Stream, p cudahost.Product) cudahost.Launch {
			return cudahost.Launch{Stream: s, Entry: cudahost.MatvecTable, Unit: 3, Table: tableOf(t, s), Product: p}
		},
	},
}

// TestMatvec multiplies matrices of many shapes, at many places of a unit.
func TestMatvec(t *testing.T) {
	for _, set := range []struct {
		name    string
		weights []uint16
	}{
		{"trained", trained(301, 60000)},
		{"outliers", outliers(302, 60000, 500)},
		{"wide tiles", wide(303, 60000)},
	} {
		b := must(t)(codebook.Canonical(histogram(set.weights), 16))
		s := encodeTiles(t, b, set.weights)
		for _, e := range multiplying {
			k := e.compile(t, b)
			for _, c := range []struct{ first, rows, columns, batch int }{
				{0, 1, 1, 1}, {0, 20, 2048, 1}, {2048, 5, 4096, 2}, {4096, 3, 14336, 1}, {256, 40, 256, 3}, {768, 9, 5632, 8},
				{512, 70, 768, 5}, {0, 29, 2048, 4}, {1, 58, 1000, 1}, {77, 3, 19, 7}, {5000, 500, 64, 2}, {100, 11, 4097, 6},
				{59000, 1, 1000, 1}, {58880, 4, 256, 1}, {2048, 1, 57344, 2}, {63, 50000, 1, 1},
			} {
				t.Run(fmt.Sprintf("%s, %s, %d×%d from %d, batch %d", e.name, set.name, c.rows, c.columns, c.first, c.batch), func(t *testing.T) {
					l := e.launch(t, s, cudahost.Product{First: c.first, Rows: c.rows, Columns: c.columns, Batch: c.batch, X: vectors(304, c.batch*c.columns)})
					y := checkProduct(t, k, l, set.weights)
					l.Seed = 1
					again := checkProduct(t, k, l, set.weights)
					if c.first%256 == 0 && c.columns%256 == 0 && !slices.Equal(y, again) {
						t.Error("another order of blocks gives other sums")
					}
					l.Offset = 2
					checkProduct(t, k, l, set.weights)
				})
			}
		}
	}
}

// TestMatvecRefuses asks for products that there are not.
func TestMatvecRefuses(t *testing.T) {
	weights := trained(311, 5000)
	b := must(t)(codebook.Canonical(histogram(weights), 16))
	s := encodeTiles(t, b, weights)
	for _, e := range multiplying {
		k := e.compile(t, b)
		for _, p := range []cudahost.Product{
			{Rows: 5, Columns: 1001, Batch: 1}, {First: 5000, Rows: 1, Columns: 1, Batch: 1}, {First: 1, Rows: 5, Columns: 1000, Batch: 1},
			{Rows: 2, Columns: 2, Batch: 9}, {Rows: 1 << 16, Columns: 1 << 16, Batch: 1},
		} {
			p.X = make([]uint16, 16)
			l := e.launch(t, s, p)
			l.Blocks = 1
			if p.Rows > 10 {
				l.Product.Rows = 1 << 16
			}
			if _, err := k.Multiply(l); err != nil {
				t.Fatal(err)
			}
			if w := k.ErrorWord(); kernel.CUDACause(w>>56) != kernel.CUDASizes {
				t.Errorf("%+v: error word %#x", p, w)
			}
		}
	}
}

// TestMatvecHostile changes bytes of every tensor: rows are right, or NaN and reported.
func TestMatvecHostile(t *testing.T) {
	weights := trained(321, 16384)
	b := must(t)(codebook.Canonical(histogram(weights), 16))
	for _, e := range multiplying {
		k := e.compile(t, b)
		for tensor, name := range []string{"codes", "tiles", "luts", "table"} {
			t.Run(e.name+", "+name, func(t *testing.T) {
				for round := range 20 {
					l := e.launch(t, encodeTiles(t, b, weights), cudahost.Product{Rows: 8, Columns: 2048, Batch: 2, X: vectors(322, 4096)})
					damage([][]byte{l.Stream.Encoded, l.Stream.Tiles, l.Stream.Luts, l.Table}[tensor], round)
					l.Seed = uint64(round)
					y, err := k.Multiply(l)
					if err != nil {
						t.Fatal(err)
					}
					if tensor > 1 {
						continue
					}
					failed := false
					for tile := range 8 { // each is a row
						err := codebook.DecodeTile(b, l.Stream, tile, make([]uint16, codebook.TileElements))
						failed = failed || err != nil
						if nan := math.IsNaN(float64(y[tile])) && math.IsNaN(float64(y[8+tile])); nan != (err != nil) {
							t.Fatalf("round %d, row %d: %v, %v and %v", round, tile, err, y[tile], y[8+tile])
						}
					}
					if w := k.ErrorWord(); (w != 0) != failed {
						t.Fatalf("round %d: error word %#x", round, w)
					}
				}
			})
		}
	}
}
