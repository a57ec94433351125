//go:build cuda

package gpu_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/rans"
)

func TestMain(m *testing.M) { os.Exit(standin.Run(m, nil)) }

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// ransStream codes normal weights, and some whose exponents the table lacks.
func ransStream(t *testing.T, f rans.Form, seed uint64, n, blockWeights int) (*rans.Stream, []uint16) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 8))
	weights, counts := make([]uint16, n), make([]uint64, f.Symbols())
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(0.02*r.NormFloat64())) >> 16)
		counts[f.Symbol(weights[i])]++
	}
	for i := 50; i < n; i += 700 {
		weights[i] = uint16(r.Uint32())&0x80ff | 0x4100
	}
	table := must(rans.NewTable(f, counts))(t)
	return must(rans.Encode(f, table, weights, blockWeights))(t), weights
}

// TestRans decodes matrices of both forms and multiplies with one, by PTX that a compiler makes of the source. Without a
// compiler it is skipped, or fails if BESPOKE_REQUIRE names "cudac".
func TestRans(t *testing.T) {
	c, err := cudac.Find(t.Context())
	if err != nil {
		if testenv.Required("cudac") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	source := must(emit.CUDARans())(t)
	ptx := must(c.PTX(t.Context(), source))(t)
	standin.Start(t, "seed=2", "device=80:256")
	standin.Provide(t, standin.Image{Code: string(ptx), Source: string(source)})
	d := must(gpu.Open(must(gpu.List())(t)[0]))(t)
	slot := must(d.NewSlot())(t)
	module := must(d.Load([]gpu.Image{{Form: "PTX", Code: string(ptx)}}))(t)
	kernels := map[string]*gpu.Kernel{}
	for _, l := range launch.OfRans() {
		kernels[l.Entry] = must(module.Kernel(&l))(t)
	}
	const columns, rows = 512, 24
	for _, f := range []rans.Form{rans.Exponent, rans.Joint} {
		testRans(t, d, slot, kernels, f, rows, columns)
	}
	if err := slot.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func testRans(t *testing.T, d *gpu.Device, slot *gpu.Slot, kernels map[string]*gpu.Kernel, f rans.Form, rows, columns int) {
	t.Helper()
	var memories []interface{ Free() error }
	alloc := func(n int) *gpu.Memory {
		m := must(d.Alloc(int64(n), "the test"))(t)
		memories = append(memories, m)
		return m
	}
	var matrices []*gpu.RansMatrix
	var to []uintptr
	var outputs []*gpu.Memory
	var want [][]uint16
	for i, n := range []int{rows * columns, 64, 5001} {
		s, weights := ransStream(t, f, uint64(i), n, 4096)
		m := must(d.NewRansMatrix(s, must(s.Splits(16))(t)))(t)
		out := alloc(2 * n)
		matrices, memories, outputs, want = append(matrices, m), append(memories, m), append(outputs, out), append(want, weights)
		to = append(to, uintptr(out.Address))
	}
	all := must(d.NewRansMatrices(matrices, to))(t)
	memories = append(memories, all)
	word := alloc(8)
	if err := word.Write(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if err := slot.DecodeRans(kernels[launch.RansEntry(f)], all, word); err != nil {
		t.Fatal(err)
	}
	x, y := alloc(2*columns), alloc(4*rows)
	numbers := make([]byte, 2*columns)
	for i := range columns {
		binary.LittleEndian.PutUint16(numbers[2*i:], uint16(0x3f00+i%256))
	}
	if err := x.Write(numbers); err != nil {
		t.Fatal(err)
	}
	multiply, join := kernels[launch.RansProductEntry(f)], kernels["matvec_rans_join"]
	if err := slot.MultiplyRans(multiply, join, all, uintptr(x.Address), uintptr(y.Address), columns, word); err != nil {
		t.Fatal(err)
	}
	if err := slot.MultiplyRans(multiply, join, all, uintptr(x.Address), uintptr(y.Address), 100, word); err == nil {
		t.Error("rows that are not whole steps are no error")
	}
	if err := slot.Wait("wait for the kernels"); err != nil {
		t.Fatal(err)
	}
	if err := launch.ParseRansError(binary.LittleEndian.Uint64(must(word.Read())(t))); err != nil {
		t.Fatal(err)
	}
	for i, out := range outputs {
		got := must(out.Read())(t)
		for at, w := range want[i] {
			if v := binary.LittleEndian.Uint16(got[2*at:]); v != w {
				t.Fatalf("%v, matrix %d: weight %d is %#04x, want %#04x", f, i, at, v, w)
			}
		}
	}
	float := func(w uint16) float64 { return float64(math.Float32frombits(uint32(w) << 16)) }
	got := must(y.Read())(t)
	for row := range rows {
		var sum, size float64
		for c := range columns {
			v := float(want[0][row*columns+c]) * float(uint16(0x3f00+c%256))
			sum += v
			size += math.Abs(v)
		}
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(got[4*row:])))
		if !(math.Abs(v-sum) <= size*0x1p-24*float64(columns)) {
			t.Errorf("%v, row %d: %g, want %g", f, row, v, sum)
		}
	}
	for _, m := range memories {
		if err := m.Free(); err != nil {
			t.Error(err)
		}
	}
}
