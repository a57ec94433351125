//go:build cuda

package gpu_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
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

// TestRans decodes units of both forms and multiplies with a tensor of them, by PTX that a compiler makes of the source.
// Without a compiler it is skipped, or fails if BESPOKE_REQUIRE names "cudac".
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
	kernels := gpu.Kernels{}
	for _, l := range launch.OfRans() {
		kernels[l.Entry] = must(module.Kernel(&l))(t)
	}
	parts := must(d.NewParts())(t)
	for _, forms := range [][]rans.Form{{rans.Exponent}, {rans.Joint}, {rans.Joint, rans.Exponent}} {
		testRans(t, slot, kernels, parts, forms)
	}
	if err := parts.Close(d); err != nil {
		t.Error(err)
	}
	if err := slot.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// testRans decodes a unit whose tensors have these forms by turns, and multiplies with the last one: with rows that are in
// one split each, and with rows that go through several.
func testRans(t *testing.T, slot *gpu.Slot, kernels gpu.Kernels, parts *gpu.Parts, forms []rans.Form) {
	t.Helper()
	const steps, last = 16, 12_288
	var tensors []gpu.RansTensor
	var splits []*rans.Splits
	var all []uint16
	for i, n := range []int{64, 5001, 0, last} {
		s, weights := ransStream(t, forms[i%len(forms)], uint64(i), n, 4096)
		tensors = append(tensors, gpu.RansTensor{Name: fmt.Sprint(i), From: len(all), Stream: s})
		splits, all = append(splits, must(s.Splits(steps))(t)), append(all, weights...)
	}
	unit := gpu.NewRansLayout("u", tensors, steps)
	if unit.Complete() {
		t.Error("complete without splits")
	}
	if err := unit.SetSplits(splits); err != nil || !unit.Complete() || unit.Steps() != steps {
		t.Fatal(err)
	}
	resident := must(slot.Device.Alloc(unit.Bytes, "the test"))(t)
	if err := errors.Join(slot.Reserve(2*int64(len(all)), unit.Bytes), slot.Upload(t.Context(), unit, resident)); err != nil {
		t.Fatal(err)
	}
	for _, at := range []*gpu.Memory{nil, resident} {
		if err := slot.Decode(t.Context(), kernels, unit, at); err != nil {
			t.Fatal(err)
		}
		i := 0
		err := slot.Download(t.Context(), unit, 0, 2*int64(len(all)), func(piece []byte) {
			for ; len(piece) > 0; piece = piece[2:] {
				if v := binary.LittleEndian.Uint16(piece); v != all[i] {
					t.Fatalf("%v: weight %d is %#04x, want %#04x", forms, i, v, all[i])
				}
				i++
			}
		})
		fault, faultErr := slot.Fault(unit)
		if err := errors.Join(err, faultErr, fault); err != nil {
			t.Fatal(err)
		}
		for _, columns := range []int{512, 1536} {
			p := &gpu.Product{First: len(all) - last, Rows: last / columns, Columns: columns, Batch: 2, Parts: parts}
			multiplyRans(t, slot, kernels, unit, at, p, all[len(all)-last:])
		}
	}
	multiplyDamagedRans(t, slot, kernels, unit, splits, &gpu.Product{First: len(all) - last, Rows: 24, Columns: 512, Batch: 1, Parts: parts})
	unit.DropSplits()
	if err := resident.Free(); err != nil || unit.Complete() {
		t.Error(err)
	}
}

// multiplyDamagedRans damages the first split of the last tensor, and runs a product with it: with an error word, and without.
func multiplyDamagedRans(t *testing.T, slot *gpu.Slot, kernels gpu.Kernels, unit *gpu.RansLayout, splits []*rans.Splits, p *gpu.Product) {
	t.Helper()
	clear(splits[3].States[:rans.States])
	x, y, at := must(slot.Device.Alloc(2*512, "x"))(t), must(slot.Device.Alloc(4*24, "y"))(t), must(slot.Device.Alloc(unit.Bytes, "the unit"))(t)
	p.X, p.Y = uintptr(x.Address), uintptr(y.Address)
	err := errors.Join(x.Write(make([]byte, x.Size)), slot.Upload(t.Context(), unit, at), slot.Multiply(t.Context(), kernels, unit, at, p, slot.Stream()))
	fault, faultErr := slot.Fault(unit)
	if err := errors.Join(err, faultErr); err != nil {
		t.Fatal(err)
	}
	if fault == nil || !strings.Contains(fault.Error(), `: tensor "3", split 0: a state is too small`) || !strings.HasPrefix(fault.Error(), "kernel matvec_rans") {
		t.Errorf("fault %v", fault)
	}
	err = errors.Join(slot.Device.Multiply(kernels, unit, at, p, slot.Stream()), slot.Wait("wait for a product"))
	if err := errors.Join(err, x.Free(), y.Free(), at.Free()); err != nil {
		t.Error(err)
	}
}

// multiplyRans runs a product with random vectors, and compares it with sums in float64.
func multiplyRans(t *testing.T, slot *gpu.Slot, kernels gpu.Kernels, unit gpu.Unit, at *gpu.Memory, p *gpu.Product, weights []uint16) {
	t.Helper()
	x := make([]byte, 2*p.Batch*p.Columns)
	number := func(i int) uint16 { return uint16(0x3f00 + i*7919%256) }
	for i := range p.Batch * p.Columns {
		binary.LittleEndian.PutUint16(x[2*i:], number(i))
	}
	vectors, y := must(slot.Device.Alloc(int64(len(x)), "x"))(t), must(slot.Device.Alloc(int64(4*p.Batch*p.Rows), "y"))(t)
	p.X, p.Y = uintptr(vectors.Address), uintptr(y.Address)
	if err := errors.Join(vectors.Write(x), slot.Multiply(t.Context(), kernels, unit, at, p, slot.Stream())); err != nil {
		t.Fatal(err)
	}
	if fault, err := slot.Fault(unit); fault != nil || err != nil {
		t.Fatal(fault, err)
	}
	float := func(w uint16) float64 { return float64(math.Float32frombits(uint32(w) << 16)) }
	got := must(y.Read())(t)
	for i := range p.Batch * p.Rows {
		var sum, size float64
		for c, w := range weights[i%p.Rows*p.Columns:][:p.Columns] {
			v := float(w) * float(number(i/p.Rows*p.Columns+c))
			sum, size = sum+v, size+math.Abs(v)
		}
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(got[4*i:])))
		if !(math.Abs(v-sum) <= size*0x1p-24*float64(p.Columns)) {
			t.Errorf("row %d, vector %d: %g, want %g", i%p.Rows, i/p.Rows, v, sum)
		}
	}
	if err := errors.Join(vectors.Free(), y.Free()); err != nil {
		t.Error(err)
	}
}
