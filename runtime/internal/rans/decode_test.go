package rans

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/guard"
	"github.com/seed54244801/bespoke/rans"
)

func normal(n int) []uint16 {
	r := rand.New(rand.NewPCG(1, 2))
	weights := make([]uint16, n)
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*0.02)) >> 16)
	}
	return weights
}

func encode(t testing.TB, f rans.Form, weights []uint16, blockWeights int) *rans.Stream {
	t.Helper()
	counts := make([]uint64, f.Symbols())
	for _, w := range weights {
		counts[f.Symbol(w)]++
	}
	table, err := rans.NewTable(f, counts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := rans.Encode(f, table, weights, blockWeights)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(s *rans.Stream) ([]uint16, error) {
	d, err := New(s, tested)
	if err != nil {
		return nil, err
	}
	dst := aligned(s.Weights)
	return dst, d.Decode(0, s.Len(), dst)
}

// refer returns what the reference makes of a stream, apart from checksums.
func refer(s *rans.Stream) ([]uint16, error) {
	t, layout, err := s.Validate()
	if err != nil {
		return nil, err
	}
	dst := make([]uint16, s.Weights)
	for i := range s.Len() {
		b := s.Block(layout, i)
		if cause := b.Decode(s.Form, t.Alias(), dst[i*s.BlockWeights:][:b.Weights]); cause != 0 {
			return nil, &rans.BlockError{Block: i, Cause: cause}
		}
	}
	return dst, nil
}

// aligned makes room for n words from the start of a cache line on.
func aligned(n int) []uint16 {
	b := make([]uint16, n+32)
	at := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % 64 / 2)
	return b[at : at+n : at+n]
}

func TestDecode(t *testing.T) { eachFamily(t, testDecode) }

func testDecode(t *testing.T) {
	patterns := make([]uint16, 1<<16)
	for i := range patterns {
		patterns[i] = uint16(i * 40503)
	}
	for name, weights := range map[string][]uint16{
		"normal":   normal(300_000),
		"patterns": patterns,
		"few":      normal(100),
		"nothing":  nil,
		"same":     slices.Repeat([]uint16{0x1234}, 10_000),
	} {
		for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
			for _, n := range []int{64, 1000, 4096, 30_011, 1 << 18} {
				t.Run(fmt.Sprint(name, "/", f, "/", n), func(t *testing.T) {
					s := encode(t, f, weights, n)
					got, err := decode(s)
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(got, weights) {
						t.Fatal("other weights")
					}
					d := must(New(s, tested))
					if err := d.Check(0, s.Len(), got); err != nil {
						t.Error(err)
					}
					if n := len(got); n > 0 {
						got[n-1]++
						if err := d.Check(0, s.Len(), got); err == nil {
							t.Error("another weight has the same checksum")
						}
					}
				})
			}
		}
	}
}

// TestDamage wants what the reference makes of damaged streams.
func TestDamage(t *testing.T) { eachFamily(t, testDamage) }

func testDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	weights := normal(20_000)
	for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
		sound := encode(t, f, weights, 3000)
		for round := range 600 {
			s := &rans.Stream{Form: f, Weights: sound.Weights, BlockWeights: sound.BlockWeights, Table: slices.Clone(sound.Table), Index: slices.Clone(sound.Index), Blocks: slices.Clone(sound.Blocks), Plane: slices.Clone(sound.Plane)}
			part := [][]byte{s.Table, s.Index, s.Blocks, s.Plane}[r.IntN(4)]
			for range 1 + r.IntN(3) {
				part[r.IntN(len(part))] ^= 1 << r.IntN(8)
			}
			want, wantErr := refer(s)
			got, err := decode(s)
			var a, b *rans.BlockError
			switch {
			case wantErr == nil:
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("round %d: other weights, %v", round, err)
				}
			case errors.As(wantErr, &a) && errors.As(err, &b):
				if *a != *b {
					t.Fatalf("round %d: %v, want %v", round, b, a)
				}
			case err == nil || err.Error() != wantErr.Error():
				t.Fatalf("round %d: %v, want %v", round, err, wantErr)
			}
		}
	}
}

// TestChangingIndex changes an index after it was checked: the sizes of blocks stay what they were.
func TestChangingIndex(t *testing.T) { eachFamily(t, testChangingIndex) }

func testChangingIndex(t *testing.T) {
	weights := normal(5000)
	s := encode(t, rans.Exponent, weights, 1000)
	d := must(New(s, tested))
	for i := range s.Index {
		s.Index[i] = 0xff
	}
	dst := aligned(len(weights))
	if err := d.Decode(0, s.Len(), dst); err != nil || !slices.Equal(dst, weights) {
		t.Errorf("other weights, error %v", err)
	}
}

// TestSmallTables wants that tables for portable Go do not take much more memory than the weights that they are for.
func TestSmallTables(t *testing.T) { eachFamily(t, testSmallTables) }

func testSmallTables(t *testing.T) {
	coded := encode(t, rans.Joint, normal(63), 63)
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	streams := make([]*Stream, 1000)
	for i := range streams {
		streams[i] = must(New(coded, tested))
		if err := streams[i].Decode(0, 1, make([]uint16, 63)); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 4<<10*len(streams) {
		t.Errorf("%d streams of 63 weights hold %d bytes", len(streams), grown)
	}
	runtime.KeepAlive(streams)
}

// TestGuardPages decodes sound and damaged streams in memory that ends at a forbidden page.
func TestGuardPages(t *testing.T) { eachFamily(t, testGuardPages) }

func testGuardPages(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	weights := normal(30_000)
	for i, n := range []int{4096, 7000, 30_000, 4096, 7000, 30_000} {
		sound := encode(t, rans.Form(i/3), weights, n)
		s := *sound
		s.Blocks, s.Plane = guard.After(t, len(sound.Blocks)), guard.After(t, len(sound.Plane))
		dst := guard.AfterOf[uint16](t, len(weights))
		for round := range 200 {
			copy(s.Blocks, sound.Blocks)
			copy(s.Plane, sound.Plane)
			for range round {
				s.Blocks[r.IntN(len(s.Blocks))] = byte(r.Uint32())
			}
			err := must(New(&s, tested)).Decode(0, s.Len(), dst)
			if _, want := refer(&s); fmt.Sprint(err) != fmt.Sprint(want) {
				t.Fatalf("round %d: %v, want %v", round, err, want)
			}
			if round == 0 && !slices.Equal(dst, weights) {
				t.Error("other weights")
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	const n = 64 << 20
	weights := slices.Repeat(normal(4<<20), n>>22)
	dst := slices.Repeat(aligned(32), n/32+1)
	dst = dst[int(-uintptr(unsafe.Pointer(unsafe.SliceData(dst)))%64/2):][:n]
	b.Run("memcpy", func(b *testing.B) {
		b.SetBytes(n)
		for b.Loop() {
			copy(dst, weights)
		}
	})
	for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
		coded := encode(b, f, weights, 1<<18)
		b.Run(f.String(), func(b *testing.B) {
			eachFamily(b, func(b *testing.B) {
				s := must(New(coded, tested))
				b.SetBytes(n)
				for b.Loop() {
					if err := s.Decode(0, s.Len(), dst); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// tested is the family of decoders that a test uses.
var tested = AVX512

// eachFamily runs a test or benchmark with each family that the CPU can run.
func eachFamily[T interface {
	testing.TB
	Run(name string, f func(T)) bool
}](t T, f func(T)) {
	defer func(before string) { tested = before }(tested)
	for _, one := range append(families, family{name: Generic}) {
		tested = one.name
		t.Run(tested, f)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
