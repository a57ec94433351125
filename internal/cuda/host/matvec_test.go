package host_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/testenv"
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
func checkProduct(t *testing.T, k *host.Kernel, l host.Launch, weights []uint16) []float32 {
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
	compile func(testing.TB, *kind) *host.Kernel
	launch  func(testing.TB, *codebook.Stream, host.Product) host.Launch
}{
	{
		"matvec",
		func(t testing.TB, c *kind) *host.Kernel { return c.kernel(t) },
		func(t testing.TB, s *codebook.Stream, p host.Product) host.Launch {
			return host.Launch{Stream: s, Entry: host.Matvec, Unit: 3, Product: p}
		},
	},
	{
		"matvec_table",
		func(t testing.TB, _ *kind) *host.Kernel { return tableKernel(t) },
		func(t testing.TB, s *codebook.Stream, p host.Product) host.Launch {
			return host.Launch{Stream: s, Entry: host.MatvecTable, Unit: 3, Table: tableOf(t, s), Product: p}
		},
	},
}

// TestMatvec multiplies matrices of many shapes, at many places of a unit.
func TestMatvec(t *testing.T) {
	t.Parallel()
	shapes := []struct{ first, rows, columns, batch int }{
		{0, 1, 1, 1}, {0, 14, 2048, 1}, {2048, 5, 4096, 2}, {4096, 1, 14336, 1}, {256, 40, 256, 3}, {768, 4, 5632, 8},
		{512, 37, 768, 2}, {1, 28, 1000, 1}, {77, 3, 19, 7}, {5000, 300, 64, 2}, {100, 7, 4097, 3},
		{29000, 1, 1000, 1}, {28928, 4, 256, 1}, {63, 20000, 1, 1},
	}
	for which, c := range kinds() {
		if !slices.Contains([]string{"11 bits", "some outliers", "wide tiles", "long codes"}, c.name) {
			continue
		}
		weights := c.weights[:30000]
		s := encodeTiles(t, c.book, weights)
		for _, e := range multiplying {
			k := e.compile(t, &c)
			for i, m := range shapes {
				if !testenv.Long() && (i+which)%2 != 0 {
					continue // another kind has this shape
				}
				t.Run(fmt.Sprintf("%s, %s, %d×%d from %d, batch %d", e.name, c.name, m.rows, m.columns, m.first, m.batch), func(t *testing.T) {
					l := e.launch(t, s, host.Product{First: m.first, Rows: m.rows, Columns: m.columns, Batch: m.batch, X: vectors(304, m.batch*m.columns)})
					y := checkProduct(t, k, l, weights)
					if m.first%256 == 0 && m.columns%256 == 0 {
						l.Seed = 1
						if !slices.Equal(y, checkProduct(t, k, l, weights)) {
							t.Error("another order of blocks gives other sums")
						}
					}
					if i%3 == 0 {
						l.Offset = 2
						checkProduct(t, k, l, weights)
					}
				})
			}
		}
	}
}

// TestMatvecOutliers multiplies with vectors that pick one column, in which there are exponents far from the others: every
// product has to be that of the column's weight, to the last bit, and infinity where the vector has it there.
func TestMatvecOutliers(t *testing.T) {
	t.Parallel()
	const rows, columns, column = 12, 2048, 300
	c := common()
	weights := slices.Clone(c.weights[:rows*columns])
	far := rarest(c.book)
	weights[columns+column], weights[2*columns+column] = codebook.Join(far, 0), codebook.Join(far, 0x85)
	s := encodeTiles(t, c.book, weights)
	for _, e := range multiplying {
		k := e.compile(t, c)
		for _, x := range []uint16{0x3f80, 0xc040, 0x7f80} { // 1, -3, infinity
			for _, first := range []int{0, columns} {
				t.Run(fmt.Sprintf("%s, %#04x, from %d", e.name, x, first), func(t *testing.T) {
					vector := make([]uint16, columns)
					vector[column] = x
					p := host.Product{First: first, Rows: rows - 1, Columns: columns, Batch: 1, X: vector}
					y, err := k.Multiply(e.launch(t, s, p))
					if err != nil {
						t.Fatal(err)
					}
					for r, got := range y {
						if want := float32(float(weights[first+r*columns+column]) * float(x)); got != want {
							t.Errorf("row %d: %g, want %g", r, got, want)
						}
					}
				})
			}
		}
	}
}

// rarest returns the lowest exponent among those with the longest code.
func rarest(b *codebook.Book) uint8 {
	for _, s := range b.Symbols() {
		if b.Code(s).Length == uint8(b.MaxLength()) {
			return s
		}
	}
	panic("unreachable: some code is the longest")
}

// TestMatvecRefuses asks for products that there are not.
func TestMatvecRefuses(t *testing.T) {
	t.Parallel()
	c := &kinds()[0]
	s := encodeTiles(t, c.book, c.weights[:5000])
	for _, e := range multiplying {
		k := e.compile(t, c)
		for _, p := range []host.Product{
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
			if w := k.ErrorWord(); launch.Cause(w>>56) != launch.Sizes {
				t.Errorf("%+v: error word %#x", p, w)
			}
		}
	}
}

// TestMatvecHostile changes bytes of every tensor: rows are right, or NaN and reported.
func TestMatvecHostile(t *testing.T) {
	t.Parallel()
	weights, b := kinds()[0].weights[:16384], kinds()[0].book
	for _, e := range multiplying {
		k := e.compile(t, &kinds()[0])
		for tensor, name := range []string{"codes", "tiles", "luts", "table"} {
			t.Run(e.name+", "+name, func(t *testing.T) {
				for round := range testenv.Pick(5, 20) {
					l := e.launch(t, encodeTiles(t, b, weights), host.Product{Rows: 8, Columns: 2048, Batch: 2, X: vectors(322, 4096)})
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
