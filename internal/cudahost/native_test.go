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
			{"position", func(s *codebook.Stream) { s.OutputPositions[8]++ }, kernel.CUDAError{Cause: kernel.CUDAElementCount, Unit: 7, Chunk: 2}},
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

// TestNoSuchCode puts bits that begin no code into units, and wants to be told.
func TestNoSuchCode(t *testing.T) {
	book := must(t)
	for _, c := range []struct {
		name    string
		weights []uint16
		book    func(*codebook.Histogram) *codebook.Book
	}{
		{"published", trained(141, 9000), func(h *codebook.Histogram) *codebook.Book { return book(codebook.Published(h)) }},
		{"canonical", trained(142, 9000), func(h *codebook.Histogram) *codebook.Book { return book(codebook.Canonical(h, 16)) }},
		{"one exponent", powers(143, 9000, 120, 1), func(h *codebook.Histogram) *codebook.Book { return book(codebook.Canonical(h, 32)) }},
	} {
		b := c.book(histogram(c.weights))
		other := book(codebook.Canonical(&codebook.Histogram{7: 1, 9: 5}, 8))
		for name, k := range map[string]*cudahost.Kernel{"own": bookKernel(t, b), "other": bookKernel(t, other), "table": tableKernel(t)} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				told := 0
				for seed := range uint64(30) {
					s := encode(t, b, c.weights)
					overwrite(s.Encoded, int(seed*997)%(8*len(s.Encoded)-64), b.EndOfStream())
					want := make([]uint16, s.Elements())
					var broken *codebook.StreamError
					if !errors.As(codebook.Decode(want, s), &broken) || broken.Cause != codebook.NoSuchCode {
						continue
					}
					told++
					l := cudahost.Launch{Stream: s, Seed: seed, SharedBytes: generous(s) + 16384}
					if seed%2 == 0 {
						l.Entry = cudahost.Native
					}
					if name == "table" {
						l.Entry, l.Table = cudahost.NativeTable, tableOf(t, s)
					}
					got, err := k.Launch(l)
					if err != nil {
						t.Fatal(err)
					}
					if first, _ := s.ChunkStart(broken.Chunk); got[first] != poison {
						t.Errorf("seed %d: weights from a chunk with bits that begin no code", seed)
					}
				}
				if told < 10 {
					t.Errorf("only %d units are broken", told)
				}
			})
		}
	}
}

// overwrite puts a code at a bit.
func overwrite(stream []byte, bit int, c codebook.Code) {
	for i := range int(c.Length) {
		mask := byte(0x80) >> ((bit + i) % 8)
		stream[(bit+i)/8] &^= mask
		if c.Bits>>(int(c.Length)-1-i)&1 != 0 {
			stream[(bit+i)/8] |= mask
		}
	}
}

// TestStreamEnd lets the stream go on behind the last code, and end before it does.
func TestStreamEnd(t *testing.T) {
	weights := trained(151, 30000)
	b := must(t)(codebook.Canonical(histogram(weights), 16))
	for _, e := range own {
		k := e.compile(t, b)
		for _, n := range []int{1, 7, 100, 6100, 6200, 30000} {
			t.Run(fmt.Sprintf("%s, %d weights", e.name, n), func(t *testing.T) {
				for change := -3; change < 40; change++ {
					s := encode(t, b, weights[:n])
					s.Encoded = append(s.Encoded[:max(1, len(s.Encoded)+min(0, change))], make([]byte, max(0, change))...)
					want := s.Validate()
					if want == nil {
						want = codebook.Decode(make([]uint16, n), s)
					} else if s.Chunks() != len(s.Gaps)/320 {
						continue
					}
					l := e.launch(t, s)
					l.Seed, l.SharedBytes = uint64(change), 65536
					if _, err := k.Launch(l); err != nil {
						t.Fatal(err)
					}
					if got := kernel.ParseCUDAError(k.ErrorWord()); (got == nil) != (want == nil) {
						t.Errorf("%+d bytes: %v, want %v", change, got, want)
					}
				}
			})
		}
	}
}
