package host_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cost"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/testenv"
)

// poison is what the kernel writes for a chunk that does not add up.
const poison = 0x7fff

// trained returns n weights that look trained: normal, with a few outliers of any exponent that DF11 has.
func trained(seed uint64, n int) []uint16 {
	r := rand.New(rand.NewPCG(seed, 1))
	w := make([]uint16, n)
	for i := range w {
		w[i] = uint16(math.Float32bits(float32(0.02*r.NormFloat64())) >> 16)
		if r.IntN(2000) == 0 {
			w[i] = codebook.Join(uint8(r.IntN(240)), uint8(r.Uint32()))
		}
	}
	return w
}

// powers returns n weights whose exponents, from first on, halve in frequency: the longest codes for
// their number.
func powers(seed uint64, n, first, symbols int) []uint16 {
	r := rand.New(rand.NewPCG(seed, 2))
	w := make([]uint16, n)
	for i := range w {
		s := 0
		for s < symbols-1 && r.IntN(2) == 0 {
			s++
		}
		w[i] = codebook.Join(uint8(first+s), uint8(r.Uint32()))
	}
	return w
}

func histogram(weights ...[]uint16) *codebook.Histogram {
	var h codebook.Histogram
	for _, w := range weights {
		h.Count(w)
	}
	return &h
}

// must returns the book or fails.
func must(t testing.TB) func(*codebook.Book, error) *codebook.Book {
	return func(b *codebook.Book, err error) *codebook.Book {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// sources holds functions that return the kernels cut for some books, by these.
var sources sync.Map

// bookKernel compiles the kernels cut for the books.
func bookKernel(t testing.TB, books ...*codebook.Book) *host.Kernel {
	t.Helper()
	var key [booksOfKernel]*codebook.Book
	copy(key[:], books)
	emitted, _ := sources.LoadOrStore(key, sync.OnceValues(func() ([]byte, error) {
		p, err := emit.NewPlan(emit.Input{Package: "test", Model: "test", Books: books})
		if err != nil {
			return nil, err
		}
		return emit.CUDA(p)
	}))
	source, err := emitted.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	return host.Compile(t, source)
}

func encode(t testing.TB, b *codebook.Book, weights []uint16) *codebook.Stream {
	t.Helper()
	s, err := codebook.Encode(b, weights)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check launches the kernel and wants the weights.
func check(t testing.TB, k *host.Kernel, l host.Launch, want []uint16) {
	t.Helper()
	got, err := k.Launch(l)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d weights, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("weight %d of %d is %#04x, want %#04x", i, len(want), got[i], want[i])
		}
	}
}

// generous is shared memory enough for the multi-symbol table whatever the chunk holds.
func generous(s *codebook.Stream) int { return host.PublishedShared(s) + 8192 }

func TestKernelKinds(t *testing.T) {
	t.Parallel()
	for _, c := range kinds() {
		t.Run(c.name, func(t *testing.T) {
			k := c.kernel(t)
			for i, n := range testenv.Pick([]int{1, 9, 300, len(c.weights)}, []int{1, 2, 7, 8, 9, 64, 300, 6000, len(c.weights)}) {
				s := encode(t, c.book, c.weights[:n])
				check(t, k, host.Launch{Stream: s, Seed: uint64(n)}, c.weights[:n])
				check(t, k, host.Launch{Stream: s, Seed: uint64(n), SharedBytes: generous(s), Offset: i % 9, OutputOffset: 5 * i % 9}, c.weights[:n])
			}
		})
	}
}

// TestKernelLengths decodes units of every length up to 64, in short up to 16, and of some up to 300.
func TestKernelLengths(t *testing.T) {
	t.Parallel()
	c := common()
	k := bookKernel(t, c.book)
	for n := 0; n <= 300; n++ {
		if n > testenv.Pick(16, 64) {
			n = min(n+testenv.Pick(18, 6), 300)
		}
		s := encode(t, c.book, c.weights[:n])
		check(t, k, host.Launch{Stream: s, Seed: uint64(n), SharedBytes: generous(s), Offset: n % 2 * n, OutputOffset: 8 * (n / 8 % 2)}, c.weights[:n])
	}
}

// TestKernelPatterns decodes every bf16 pattern that DF11 can express.
func TestKernelPatterns(t *testing.T) {
	t.Parallel()
	var weights []uint16
	for w := range 1 << 16 {
		if codebook.Exponent(uint16(w)) <= codebook.MaxSymbol {
			weights = append(weights, uint16(w))
		}
	}
	rand.New(rand.NewPCG(8, 8)).Shuffle(len(weights), func(i, j int) { weights[i], weights[j] = weights[j], weights[i] })
	s := encode(t, flat(), weights)
	check(t, kernelOfKinds(t, 0), host.Launch{Stream: s, SharedBytes: generous(s)}, weights)
}

// TestKernelOtherBook hands a kernel units whose code book it was not cut for.
func TestKernelOtherBook(t *testing.T) {
	t.Parallel()
	c := common()
	t.Run("other luts", func(t *testing.T) {
		check(t, kernelOfKinds(t, 0), host.Launch{Stream: encode(t, c.book, c.weights)}, c.weights)
	})
	t.Run("same lengths and fingerprint, other codes", func(t *testing.T) {
		s := encode(t, swapped(t, c.book), c.weights)
		ownLuts := c.book.Luts()
		copy(s.Luts[len(s.Luts)-256:], ownLuts[len(ownLuts)-256:])
		for seed := range testenv.Pick[uint64](2, 5) {
			check(t, bookKernel(t, c.book), host.Launch{Stream: s, Seed: seed}, c.weights)
		}
	})
}

// swapped returns a book with the lengths of b in which two codes of equal length change places, the longest within the
// first table: as few bytes differ as can be, and the multi-symbol table of b decodes them wrong.
func swapped(t *testing.T, b *codebook.Book) *codebook.Book {
	t.Helper()
	var codes [256]codebook.Code
	byLength := map[uint8][]uint8{}
	for _, s := range b.Symbols() {
		codes[s] = b.Code(s)
		byLength[codes[s].Length] = append(byLength[codes[s].Length], s)
	}
	for n := uint8(8); n > 0; n-- {
		if same := byLength[n]; len(same) > 1 {
			codes[same[0]], codes[same[1]] = codes[same[1]], codes[same[0]]
			return must(t)(codebook.NewBook(&codes, b.EndOfStream()))
		}
	}
	t.Fatal("no two codes of the first table have the same length")
	return nil
}

// TestKernelLittleShared launches with less shared memory than a chunk takes, and with less than threads need to tell
// each other anything.
func TestKernelLittleShared(t *testing.T) {
	t.Parallel()
	c := common()
	k := bookKernel(t, c.book)
	s := encode(t, c.book, c.weights)
	for _, shared := range []int{1, 383, 384, 8192, host.PublishedShared(s) / 2, 16700} {
		t.Run(fmt.Sprint(shared), func(t *testing.T) {
			want := c.weights
			if shared < 384 {
				want = slices.Repeat([]uint16{poison}, len(want))
			}
			check(t, k, host.Launch{Stream: s, Entry: host.Native, SharedBytes: shared, Seed: uint64(shared)}, want)
		})
	}
}

// TestKernelShortPositions decodes the unit for which the published encoder leaves out a position: only
// the end of the last code lies in the last chunk.
func TestKernelShortPositions(t *testing.T) {
	t.Parallel()
	weights := slices.Repeat([]uint16{0x3f80}, codebook.ChunkBits-1)
	weights = append(weights, 0x0000)
	s := encode(t, uneven(), weights)
	if err := s.Validate(); err != nil || s.Chunks() != 2 {
		t.Fatalf("%d chunks, %v", s.Chunks(), err)
	}
	check(t, kernelOfKinds(t, 0), host.Launch{Stream: s}, weights)
}

// TestKernelPoison breaks one chunk and wants NaN there and weights elsewhere.
func TestKernelPoison(t *testing.T) {
	t.Parallel()
	weights, b := common().weights, common().book
	k := bookKernel(t, b)
	for _, c := range []struct {
		name   string
		edit   func(*codebook.Stream)
		chunks []int // that no longer add up
	}{
		{"gap inside chunk 1", func(s *codebook.Stream) { s.Gaps[320+100] ^= 0x3c }, []int{1}},
		{"first gap of chunk 1", func(s *codebook.Stream) { s.Gaps[320] ^= 0x80 }, []int{0, 1}},
		{"one element more in chunk 0", func(s *codebook.Stream) { s.OutputPositions[4]++ }, []int{0, 1}},
		{"positions of chunks 1 and 2 exchanged", func(s *codebook.Stream) {
			p := s.OutputPositions
			copy(p[4:12], slices.Concat(p[8:12], p[4:8]))
		}, []int{0, 2}},
		{"no symbol has a length", func(s *codebook.Stream) { clear(s.Luts[len(s.Luts)-256:]) }, []int{0, 1, 2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := encode(t, b, weights)
			c.edit(s)
			want := slices.Clone(weights)
			for _, chunk := range c.chunks {
				from, _ := s.ChunkStart(chunk)
				to, _ := s.ChunkStart(chunk + 1)
				for i := from; i < to; i++ {
					want[i] = poison
				}
			}
			check(t, k, host.Launch{Stream: s}, want)
		})
	}
}

// TestKernelStreamEnds cuts the stream inside its last code.
func TestKernelStreamEnds(t *testing.T) {
	t.Parallel()
	b := common().book
	weights := slices.Clone(common().weights[:1000])
	for _, s := range b.Symbols() {
		if b.Code(s).Length == uint8(b.MaxLength()) {
			weights[len(weights)-1] = codebook.Join(s, 0)
		}
	}
	s := encode(t, b, weights)
	s.Encoded = s.Encoded[:len(s.Encoded)-1]
	want := slices.Repeat([]uint16{poison}, len(weights))
	k := bookKernel(t, b)
	check(t, k, host.Launch{Stream: s}, want)
	check(t, k, host.Launch{Stream: s, SharedBytes: generous(s)}, want)
}

// TestKernelRows hands the kernel numbers of rows that no luts tensor has.
func TestKernelRows(t *testing.T) {
	t.Parallel()
	const n = 20000
	want := slices.Repeat([]uint16{poison}, n)
	for name, c := range map[string]*kind{"a book": common(), "several books": &kinds()[1]} {
		k := c.kernel(t)
		for _, rows := range []int{math.MinInt32, -1, 1, 19, math.MaxInt32} {
			t.Run(fmt.Sprint(name, ", ", rows), func(t *testing.T) {
				check(t, k, host.Launch{Stream: encode(t, c.book, c.weights[:n]), Rows: rows}, want)
			})
		}
	}
}

// hostile launches the kernel on a broken stream: sanitizers must find nothing and the kernel must end; when the
// stream is right for a GPU after all, so must be the weights.
func hostile(t testing.TB, k *host.Kernel, l host.Launch) {
	t.Helper()
	got, err := k.Launch(l)
	if err != nil {
		t.Fatal(err)
	}
	if codebook.Audit(l.Stream) != nil {
		return
	}
	want := make([]uint16, l.Stream.Elements())
	if err := codebook.Decode(want, l.Stream); err != nil {
		t.Fatalf("a stream that passes Audit does not decode: %v", err)
	}
	if !slices.Equal(got, want) {
		t.Fatal("wrong weights from a stream that passes Audit")
	}
}

// damage changes 1 to 512 bytes of a tensor or, in some rounds, all of them.
func damage(tensor []byte, round int) {
	if len(tensor) == 0 {
		return
	}
	r := rand.New(rand.NewPCG(62, uint64(round)))
	for range 1 << (round % 10) {
		tensor[r.IntN(len(tensor))] = byte(r.Uint32())
	}
	if round%10 == 9 {
		for i := range tensor {
			tensor[i] = byte(r.Uint32())
		}
	}
}

// TestKernelHostile changes bytes of every tensor.
func TestKernelHostile(t *testing.T) {
	t.Parallel()
	weights, b := common().weights[:16000], common().book
	k := bookKernel(t, b)
	for _, c := range []struct {
		name   string
		tensor func(*codebook.Stream) []byte
	}{
		{"luts", func(s *codebook.Stream) []byte { return s.Luts }},
		{"length row", func(s *codebook.Stream) []byte { return s.Luts[len(s.Luts)-256:] }},
		{"encoded_exponent", func(s *codebook.Stream) []byte { return s.Encoded }},
		{"sign_mantissa", func(s *codebook.Stream) []byte { return s.SignMantissa }},
		{"output_positions", func(s *codebook.Stream) []byte { return s.OutputPositions }},
		{"gaps", func(s *codebook.Stream) []byte { return s.Gaps }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for round := range testenv.Pick(5, 20) {
				s := encode(t, b, weights)
				shared := host.PublishedShared(s)
				tensor := c.tensor(s)
				damage(tensor, round)
				hostile(t, k, host.Launch{Stream: s, SharedBytes: shared, Seed: uint64(round)})
			}
		})
	}
}

// mostShared is the most shared memory that a GPU has for a block, in bytes.
const mostShared = 227 << 10

// FuzzKernel decodes what the fuzzer makes of the tensors, whose sizes fit together, with the shared memory that the
// published caller gives for them, or with more. A launch takes 10 ms: with -fuzzminimizetime=10x the fuzzer spends its
// time on new inputs.
func FuzzKernel(f *testing.F) {
	b := common().book
	k := bookKernel(f, b)
	for _, n := range []int{500, 40_000} { // one chunk; some with others on both sides
		s := encode(f, b, common().weights[:n])
		f.Add(s.Luts, s.Encoded, s.OutputPositions, s.Gaps, uint16(n), true)
	}
	f.Fuzz(func(t *testing.T, luts, encoded, positions, gaps []byte, elements uint16, table bool) {
		cost.Bounded(t, len(luts)+len(encoded)+len(positions)+len(gaps)+int(elements), 8<<20, 1000, func() {
			s := &codebook.Stream{Encoded: encoded, SignMantissa: make([]byte, elements)}
			s.Luts = resize(luts, max(len(luts)/256, 1)*256)
			s.OutputPositions = resize(positions, 4*(s.Chunks()+1))
			s.Gaps = resize(gaps, 320*s.Chunks())
			shared := host.PublishedShared(s)
			if table {
				shared += 8192
			}
			if shared > mostShared {
				t.Skip("no GPU launches it")
			}
			hostile(t, k, host.Launch{Stream: s, SharedBytes: shared})
		})
	})
}

// resize cuts b or pads it with zeros to n bytes.
func resize(b []byte, n int) []byte {
	return append(slices.Clone(b[:min(n, len(b))]), make([]byte, n-min(n, len(b)))...)
}
