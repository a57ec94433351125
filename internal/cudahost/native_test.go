package cudahost_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cudahost"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// tableKernel compiles the table-driven kernels.
func tableKernel(t testing.TB) *cudahost.Kernel {
	t.Helper()
	source, err := emit.CUDATable()
	if err != nil {
		t.Fatal(err)
	}
	return cudahost.Compile(t, source)
}

// tableOf returns the table argument for a stream.
func tableOf(t testing.TB, s *codebook.Stream) []byte {
	t.Helper()
	table, err := kernel.CUDATableArgument(s.Luts)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// own names the entries that report errors, and how they are compiled and launched for a book.
var own = []struct {
	name    string
	compile func(testing.TB, *codebook.Book) *cudahost.Kernel
	launch  func(testing.TB, *codebook.Stream) cudahost.Launch
}{
	{
		"decode_native",
		func(t testing.TB, b *codebook.Book) *cudahost.Kernel { return bookKernel(t, b) },
		func(t testing.TB, s *codebook.Stream) cudahost.Launch {
			return cudahost.Launch{Stream: s, Entry: cudahost.Native, Unit: 7}
		},
	},
	{
		"decode_native_table",
		func(t testing.TB, _ *codebook.Book) *cudahost.Kernel { return tableKernel(t) },
		func(t testing.TB, s *codebook.Stream) cudahost.Launch {
			return cudahost.Launch{Stream: s, Entry: cudahost.NativeTable, Unit: 7, Table: tableOf(t, s)}
		},
	},
}

// TestOwnEntries decodes units of many sizes and kinds, at full speed and with little shared memory.
func TestOwnEntries(t *testing.T) {
	book := must(t)
	for _, c := range []struct {
		name    string
		weights []uint16
		book    func(*codebook.Histogram) *codebook.Book
	}{
		{"published", trained(101, 40000), func(h *codebook.Histogram) *codebook.Book { return book(codebook.Published(h)) }},
		{"model, 12 bits", trained(102, 40000), func(h *codebook.Histogram) *codebook.Book { return book(codebook.Canonical(h, 12)) }},
		{"one exponent", powers(103, 30000, 120, 1), func(h *codebook.Histogram) *codebook.Book { return book(codebook.Canonical(h, 32)) }},
		{"short codes", powers(104, 40000, 100, 3), func(h *codebook.Histogram) *codebook.Book { return book(codebook.Canonical(h, 32)) }},
	} {
		b := c.book(histogram(c.weights))
		for _, e := range own {
			t.Run(e.name+", "+c.name, func(t *testing.T) {
				k := e.compile(t, b)
				for i, n := range []int{0, 1, 8, 31, 300, 6000, len(c.weights)} {
					s := encode(t, b, c.weights[:n])
					for _, shared := range []int{0, generous(s) + 32768} {
						l := e.launch(t, s)
						l.Seed, l.SharedBytes, l.Offset, l.OutputOffset = uint64(n), shared, 4*i%24, 8*i%9
						check(t, k, l, c.weights[:n])
						if w := k.ErrorWord(); w != 0 {
							t.Fatalf("%d weights: error word %#x", n, w)
						}
					}
				}
			})
		}
	}
}

// TestOtherTable hands the table of one book for a unit of another.
func TestOtherTable(t *testing.T) {
	weights := trained(111, 20000)
	own, other := must(t)(codebook.Canonical(histogram(weights), 12)), must(t)(codebook.Published(histogram(weights)))
	s := encode(t, own, weights)
	check(t, tableKernel(t), cudahost.Launch{
		Stream: s, Entry: cudahost.NativeTable, Table: tableOf(t, encode(t, other, weights)), SharedBytes: generous(s) + 16384,
	}, weights)
}

// TestErrorWord breaks units and wants to be told what and where.
func TestErrorWord(t *testing.T) {
	weights := trained(121, 40000)
	b := must(t)(codebook.Canonical(histogram(weights), 16))
	for _, e := range own {
		k := e.compile(t, b)
		for _, c := range []struct {
			name string
			edit func(*codebook.Stream)
			want kernel.CUDAError
		}{
			{"gap", func(s *codebook.Stream) { s.Gaps[320+100] ^= 0x3c }, kernel.CUDAError{Cause: kernel.CUDAWindowEnd, Unit: 7, Chunk: 1}},
			{"position", func(s *codebook.Stream) { s.OutputPositions[12]++ }, kernel.CUDAError{Cause: kernel.CUDAElementCount, Unit: 7, Chunk: 2}},
		} {
			t.Run(e.name+", "+c.name, func(t *testing.T) {
				s := encode(t, b, weights)
				l := e.launch(t, s)
				c.edit(s)
				chunks := map[int]bool{}
				for seed := range uint64(6) { // the first report stays, and blocks run in any order
					l.Seed = seed
					got, err := k.Launch(l)
					if err != nil {
						t.Fatal(err)
					}
					var report *kernel.CUDAError
					if err := kernel.ParseCUDAError(k.ErrorWord()); !errors.As(err, &report) {
						t.Fatalf("error word %#x", k.ErrorWord())
					}
					if report.Cause != c.want.Cause || report.Unit != c.want.Unit {
						t.Errorf("got %v, want %v", report, &c.want)
					}
					chunks[report.Chunk] = true
					if !slices.Contains(got, poison) {
						t.Error("no weight is NaN")
					}
				}
				if !chunks[c.want.Chunk] {
					t.Errorf("chunks %v, want %d among them", chunks, c.want.Chunk)
				}
			})
		}
	}
}

// TestOwnHostile changes bytes of every tensor, and of the table.
func TestOwnHostile(t *testing.T) {
	weights := trained(131, 16000)
	b := must(t)(codebook.Canonical(histogram(weights), 16))
	for _, e := range own {
		k := e.compile(t, b)
		for tensor := range 5 {
			t.Run(fmt.Sprintf("%s, tensor %d", e.name, tensor), func(t *testing.T) {
				for round := range 12 {
					s := encode(t, b, weights)
					l := e.launch(t, s)
					damage([][]byte{s.Luts, s.Encoded, s.OutputPositions, s.Gaps, l.Table}[tensor], round)
					l.Seed, l.SharedBytes = uint64(round), 65536
					if tensor == 4 { // nothing makes a table right but its builder
						if _, err := k.Launch(l); err != nil {
							t.Fatal(err)
						}
						continue
					}
					hostile(t, k, l)
				}
			})
		}
	}
}
