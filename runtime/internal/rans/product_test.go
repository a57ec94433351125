package rans

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/internal/guard"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/product"
)

// floats returns n normally distributed numbers.
func floats(n int) []float32 {
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// products multiplies a stream with vectors, a few blocks at a time.
func products(s *Stream, v *product.Vectors, rows int) ([]float32, error) {
	y := make([]float32, rows*v.Len())
	at := s.BlockWeights / v.Cols()
	for first := 0; first < s.Len(); first += 4 {
		if err := s.Multiply(first, min(first+4, s.Len()), v, y[first*at:], rows); err != nil {
			return nil, err
		}
	}
	return y, nil
}

// TestMultiply compares products from coded weights with those of the weights themselves, bit for bit.
func TestMultiply(t *testing.T) { eachFamily(t, testMultiply) }

func testMultiply(t *testing.T) {
	for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
		for _, cols := range []int{64, 192, 1024} {
			const rows = 101
			weights := normal(rows * cols)
			if cols == 192 { // patches
				for i := range weights[30*cols : 50*cols] {
					weights[30*cols+i] = uint16(i*65) & 0x3f7f
				}
			}
			for _, blockRows := range []int{1, 7, 16, 25, 26, 101} {
				s := must(New(encode(t, f, weights, blockRows*cols), tested))
				if !s.Multiplies(cols) {
					if s.one != nil {
						t.Fatalf("%v: blocks of %d rows of %d columns cannot be multiplied", f, blockRows, cols)
					}
					return
				}
				for _, n := range []int{1, 2, 5} {
					v := product.Pack(floats(n*cols), n, cols)
					want := make([]float32, n*rows)
					product.Multiply(weights, v, want, rows)
					got, err := products(s, v, rows)
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("%v: %d columns, blocks of %d rows, %d vectors: %v, the products differ", f, cols, blockRows, n, err)
					}
				}
			}
		}
	}
}

// TestMultiplyDamage compares the errors of products from damaged streams with those of decoding, at guard pages.
func TestMultiplyDamage(t *testing.T) { eachFamily(t, testMultiplyDamage) }

// guarded returns a copy of b that ends where memory does.
func guarded(t *testing.T, b []byte) []byte {
	c := guard.Before(t, len(b))
	copy(c, b)
	return c
}

func testMultiplyDamage(t *testing.T) {
	const rows, cols = 24, 128
	r := rand.New(rand.NewPCG(5, 6))
	for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
		sound := encode(t, f, normal(rows*cols), 5*cols)
		for i := range 400 {
			s := *sound
			s.Blocks, s.Plane = guarded(t, s.Blocks), guarded(t, s.Plane)
			for range 1 + i%3 {
				s.Blocks[r.IntN(len(s.Blocks))] = byte(r.Uint32())
			}
			d, err := New(&s, tested)
			if err != nil || !d.Multiplies(cols) {
				continue
			}
			_, want := decode(&s)
			for _, n := range []int{1, 3} {
				_, err := products(d, product.Pack(floats(n*cols), n, cols), rows)
				if fmt.Sprint(err) != fmt.Sprint(want) {
					t.Fatalf("%v, case %d, %d vectors: %v, decoding says %v", f, i, n, err, want)
				}
			}
		}
	}
}

func BenchmarkMultiply(b *testing.B) {
	const cols, rows = 1024, 65536
	weights := slices.Repeat(normal(4<<20), cols*rows>>22)
	rate := func(b *testing.B) { b.ReportMetric(cols*rows*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gweights/s") }
	for _, n := range []int{1, 8, 64} {
		v, y := product.Pack(floats(n*cols), n, cols), make([]float32, n*rows)
		b.Run(fmt.Sprint("plain/", n), func(b *testing.B) {
			for b.Loop() {
				product.Multiply(weights, v, y, rows)
			}
			rate(b)
		})
		for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
			s := must(New(encode(b, f, weights, 256*cols), tested))
			b.Run(fmt.Sprint(f, "/", n), func(b *testing.B) {
				for b.Loop() {
					if _, err := products(s, v, rows); err != nil {
						b.Fatal(err)
					}
				}
				rate(b)
			})
		}
	}
}
