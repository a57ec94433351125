package host_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/rans"
)

// ransProduct multiplies as matvec_rans says that it does: the same sums in the same order.
func ransProduct(s *rans.Stream, steps int, weights, x []uint16) (y []float32) {
	const half, each = 16, rans.States / 16
	columns := len(x)
	for row := range len(weights) / columns {
		sum := float32(0)
		parts, lanes := 0, [half]float32{}
		end := func() {
			for apart := half / 2; apart > 0; apart /= 2 {
				before := lanes
				for i := range lanes {
					lanes[i] = before[i] + before[i^apart]
				}
			}
			if parts++; parts == 1 {
				sum = lanes[0]
			} else {
				sum += lanes[0]
			}
			lanes = [half]float32{}
		}
		for c := 0; c < columns; c += rans.States {
			at := row*columns + c
			if within := at % s.BlockWeights; c > 0 && (within == 0 || within%(steps*rans.States) == 0) {
				end()
			}
			for i := range rans.States {
				lanes[i/each] += float32(float(weights[at+i])) * float32(float(x[c+i]))
			}
		}
		end()
		y = append(y, sum)
	}
	return y
}

// TestRansProduct multiplies matrices of many shapes, with rows that are splits, or parts of them, or several.
func TestRansProduct(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	for _, c := range []struct{ rows, columns, blockWeights, steps int }{
		{1, 64, 64, 1}, {5, 64, 1 << 18, 64}, {7, 256, 1 << 18, 4}, {20, 256, 1024, 8}, {9, 512, 1 << 18, 64}, {3, 2048, 1 << 12, 8},
		{2, 4096, 4096, 64}, {4, 1024, 1536, 16}, {11, 320, 1 << 18, 16}, {13, 192, 576, 2}, {1, 8192, 1 << 11, 4}, {6, 768, 1 << 18, 12},
	} {
		weights := normals(51, c.rows*c.columns)
		for i := 0; i < len(weights); i += 501 {
			weights[i] = words()[i]&0x7f | 0x4000 | uint16(i%8)<<9 // rare exponents
		}
		x := vectors(52, c.columns)
		for _, f := range ransForms {
			for name, table := range map[string][]uint16{"": weights, ", patches": normals(53, 1000)} {
				t.Run(fmt.Sprintf("%v, %d×%d, %d/%d%s", f, c.rows, c.columns, c.blockWeights, c.steps, name), func(t *testing.T) {
					s := ransStream(t, f, table, c.blockWeights)
					s, err := rans.Encode(f, must1(rans.ParseTable(f, s.Table)), weights, c.blockWeights)
					if err != nil {
						t.Fatal(err)
					}
					want := ransProduct(s, c.steps, weights, x)
					for seed := range uint64(2) {
						l := host.RansLaunch{Matrices: []host.RansInput{ransInput(t, s, c.steps)}, Number: 9, Seed: seed, Offset: int(2 * seed)}
						y, err := k.MultiplyRans(l, c.columns, x)
						if err != nil {
							t.Fatal(err)
						}
						if !slices.Equal(y, want) {
							t.Fatalf("y is %v, want %v", y, want)
						}
						if w := k.ErrorWord(); w != 0 {
							t.Fatalf("error word %#x", w)
						}
					}
				})
			}
		}
	}
}

// TestRansProductPatches multiplies patched weights with infinity and with zero.
func TestRansProductPatches(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	const columns, column = 256, 77
	weights := normals(61, 4*columns)
	weights[column], weights[2*columns+column] = 0x0001, 0x4f81
	for _, f := range ransForms {
		table := must1(rans.ParseTable(f, ransStream(t, f, normals(62, 500), 64).Table))
		s, err := rans.Encode(f, table, weights, 1<<18)
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range []uint16{0x7f80, 0x3f80} { // infinity, 1
			x := make([]uint16, columns)
			x[column] = number
			y, err := k.MultiplyRans(host.RansLaunch{Matrices: []host.RansInput{ransInput(t, s, 16)}}, columns, x)
			if err != nil {
				t.Fatal(err)
			}
			for row, got := range y {
				want := float(weights[row*columns+column]) * float(number)
				if float64(got) != want || math.IsNaN(float64(got)) {
					t.Errorf("%v, row %d: %g, want %g", f, row, got, want)
				}
			}
		}
	}
}

// TestRansProductNoise multiplies with noise.
func TestRansProductNoise(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	x := vectors(71, 512)
	for _, f := range ransForms {
		in := ransInput(t, ransStream(t, f, append(normals(72, 9*512), words()[:512]...), 2048), 8)
		for i := range in.Stream.Blocks {
			in.Stream.Blocks[i] = byte(i * i * 31)
		}
		if _, err := k.MultiplyRans(host.RansLaunch{Matrices: []host.RansInput{in}}, 512, x); err != nil {
			t.Fatal(err)
		}
		if k.ErrorWord() == 0 {
			t.Error("noise is no error")
		}
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
