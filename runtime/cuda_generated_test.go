//go:build cuda

package runtime_test

import (
	"encoding/binary"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/out/shakespeare"
	"github.com/seed54244801/bespoke/out/tinyrans"
	"github.com/seed54244801/bespoke/runtime"
)

// TestGeneratedProducts compresses a model with tiles, opens it with the package that was generated for it, and
// multiplies with each of its matrices, on the default stream.
func TestGeneratedProducts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiles")
	if _, err := checkpoint.Compress(t.Context(), "../testdata/shakespeare-llama", path, checkpoint.CompressOptions{Index: codebook.IndexTiles}); err != nil {
		t.Fatal(err)
	}
	k := shakespeare.Kernel()
	standin.Provide(t, standin.Image{Code: k.PTX, Source: k.CUDA})
	standin.Start(t, "device=80:256")
	m, err := shakespeare.Open(path, runtime.WithDecoder(runtime.CUDA))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := m.Decoder().Reason; !strings.Contains(got, "kernel decode_tiles from PTX") {
		t.Errorf("reason %s", got)
	}
	multiplied := 0
	for _, u := range m.Units() {
		for _, tensor := range u.Tensors {
			weights := make([]uint16, tensor.Elements)
			if err := m.DecodeTensor(t.Context(), tensor.Name, weights); err != nil {
				t.Fatal(err)
			}
			multiplyOnes(t, m, tensor, weights)
			multiplied++
		}
	}
	if multiplied < 20 {
		t.Errorf("%d matrices", multiplied)
	}
}

// TestGeneratedRANS opens a model that is coded with rANS with the package that was generated for it. A model of another form
// finds no kernels in the package.
func TestGeneratedRANS(t *testing.T) {
	const path = "../model/testdata/tiny-llama/rans"
	k := tinyrans.Kernel()
	standin.Provide(t, standin.Image{Code: k.PTX, Source: k.CUDA})
	standin.Start(t, "device=80:256")
	m, err := tinyrans.Open(path, runtime.WithDecoder(runtime.CUDA))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := m.Decoder().Reason; !strings.Contains(got, "kernel decode_rans from PTX") || strings.Contains(got, "for rANS,") || !strings.Contains(got, "kernel tinyrans") {
		t.Errorf("reason %s", got)
	}
	onCPU, err := runtime.Open(path, runtime.WithDecoder(runtime.Generic))
	if err != nil {
		t.Fatal(err)
	}
	defer onCPU.Close()
	for _, u := range m.Units() {
		got, want := make([]uint16, u.Elements), make([]uint16, u.Elements)
		if err := errors.Join(m.DecodeUnit(t.Context(), u.Name, got), onCPU.DecodeUnit(t.Context(), u.Name, want)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, or other weights", u.Name, err)
		}
	}
	tensor := m.Units()[0].Tensors[0]
	weights := make([]uint16, tensor.Elements)
	if err := onCPU.DecodeTensor(t.Context(), tensor.Name, weights); err != nil {
		t.Fatal(err)
	}
	multiplyOnes(t, m, tensor, weights)

	_, err = tinyrans.Open(path+"-joint", runtime.WithDecoder(runtime.CUDA))
	if err == nil || !strings.Contains(err.Error(), "kernel tinyrans has no entry decode_rans_joint") {
		t.Errorf("the other form: error %v", err)
	}
	_, err = tinyrans.Open("../model/testdata/tiny-llama/df11")
	if err == nil || !strings.Contains(err.Error(), "not coded with rANS, which kernel tinyrans decodes") {
		t.Errorf("the other codec: error %v", err)
	}
}

// multiplyOnes multiplies a matrix with two vectors of ones. The products are the sums of its rows.
func multiplyOnes(t *testing.T, m *runtime.Model, tensor runtime.Tensor, weights []uint16) {
	t.Helper()
	w, err := m.DeviceMatrix(tensor.Name)
	if err != nil {
		t.Fatal(err)
	}
	if shape := []uint64{uint64(w.Rows), uint64(w.Columns)}; !slices.Equal(shape, tensor.Shape) {
		t.Errorf("%s: %v, want %v", tensor.Name, shape, tensor.Shape)
	}
	const batch, one = 2, 0x3f80
	device, err := gpu.Open(gpu.Info{Ordinal: w.Device})
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	alloc := func(n int) *gpu.Memory {
		memory, err := device.Alloc(int64(n), "vectors")
		if err != nil {
			t.Fatal(err)
		}
		return memory
	}
	x, y := alloc(2*batch*w.Columns), alloc(4*batch*w.Rows)
	defer x.Free()
	defer y.Free()
	var ones []byte
	for range batch * w.Columns {
		ones = binary.LittleEndian.AppendUint16(ones, one)
	}
	if err := x.Write(ones); err != nil {
		t.Fatal(err)
	}
	if err := w.Multiply(t.Context(), uintptr(x.Address), uintptr(y.Address), batch, 0); err != nil {
		t.Fatal(err)
	}
	sums, err := y.Read()
	if err != nil {
		t.Fatal(err)
	}
	for i := range batch * w.Rows {
		var want, size float64
		for _, weight := range weights[i%w.Rows*w.Columns:][:w.Columns] {
			v := float64(math.Float32frombits(uint32(weight) << 16))
			want += v
			size += math.Abs(v)
		}
		got := float64(math.Float32frombits(binary.LittleEndian.Uint32(sums[4*i:])))
		if most := size * float64(w.Columns) * 0x1p-24; !(math.Abs(got-want) <= most) {
			t.Fatalf("%s, row %d: %g, want %g within %g", tensor.Name, i, got, want, most)
		}
	}
}
