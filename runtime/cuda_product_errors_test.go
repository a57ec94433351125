//go:build cuda

package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// TestDeviceMatrixErrors asks for matrices that do not exist, and for products with invalid shapes and addresses.
func TestDeviceMatrixErrors(t *testing.T) {
	units := []testUnit{matrixUnit("broken", codebook.IndexTiles), matrixUnit("gaps", codebook.IndexGaps), matrixUnit("tiles", codebook.IndexTiles)}
	sound := units[0].damage
	units[0].damage = func(s *codebook.Stream) { sound(s); s.Luts[300] = 255 }
	path := write(t, units...)
	standin.Start(t, "device=80:64")
	m := openCUDA(t, path, WithDecoder(CUDA))
	defer closeModel(t, m)
	tellShapes(m)
	tensors := m.byName["tiles"].Tensors
	tensors[1].Shape, tensors[2].Shape = nil, []uint64{10, 10, 100}
	old := openCUDA(t, path, WithDecoder(CUDA), WithKernel(&Kernel{ABI: kernel.ABI, Name: "old", Books: []*codebook.Book{units[0].book}, PTX: anyBook, Launches: launch.OfAnyBook()[:2]}))
	defer closeModel(t, old)
	tellShapes(old)
	cpu := open(t, path, WithDecoder(Generic))
	for _, tc := range []struct {
		m            *Model
		tensor, want string
	}{
		{m, "none", `no coded tensor "none"`},
		{m, "gaps[0]", `unit "gaps": tensor "gaps[0]": products are decoded by tiles, and the unit has none: compress it with --index tiles or both`},
		{m, "tiles[1]", `unit "tiles": tensor "tiles[1]": the checkpoint does not tell its shape`},
		{m, "tiles[2]", `tensor "tiles[2]": shape [10 10 100] is not that of a matrix`},
		{m, "broken[0]", `unit "broken": codebook: `},
		{old, "tiles[0]", `unit "tiles": tensor "tiles[0]": kernel old has no entry that multiplies`},
		{cpu, "tiles[0]", "no products on a GPU with decoder generic: "},
	} {
		if _, err := tc.m.DeviceMatrix(tc.tensor); err == nil || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.tensor, err, tc.want)
		}
	}
	w, err := m.DeviceMatrix("tiles[0]")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		x, y  uintptr
		batch int
		want  string
	}{
		{16, 16, 0, `tensor "tiles[0]": product with 0 vectors, want 1 to 8`},
		{16, 16, 9, `product with 9 vectors, want 1 to 8`},
		{0, 16, 1, "x at 0x0 is no address of bfloat16 words"},
		{17, 16, 1, "x at 0x11 is no address of bfloat16 words"},
		{16, 0, 1, "y at 0x0 is no address of float32 numbers"},
		{16, 18, 1, "y at 0x12 is no address of float32 numbers"},
	} {
		if err := w.Multiply(t.Context(), tc.x, tc.y, tc.batch, 0); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want %q", err, tc.want)
		}
	}
}

// TestMultiplyDamaged multiplies with damaged tiles, and with sound tiles of the same unit.
func TestMultiplyDamaged(t *testing.T) {
	codes, record := matrixUnit("codes", codebook.IndexTiles), matrixUnit("record", codebook.IndexTiles)
	sound := codes.damage
	codes.damage = func(s *codebook.Stream) {
		sound(s)
		for i := range 40 {
			s.Encoded[int(s.Tile(3).Bit/8)+i] = 0xff // no code starts with so many ones
		}
	}
	record.damage = func(s *codebook.Stream) { sound(s); samples.MoveTile(s, 3, 1) }
	path := write(t, codes, record)
	standin.Start(t, "device=80:64")
	m := openCUDA(t, path, WithDecoder(CUDA))
	defer closeModel(t, m)
	tellShapes(m)
	var c *consumer
	for _, u := range []testUnit{codes, record} {
		all, at := matrices(t, m, u.name)
		if c == nil {
			c = newMatrixConsumer(t, all[0])
		}
		want := fmt.Sprintf(`unit "record": device 0, Stand-in 0, compute capability 8.0, kernel matvec_table: unit 1, tile 2: %v, and the CPU finds nothing wrong`, "the codes of a lane do not end where the next one's begin")
		if u.name == "codes" {
			want = fmt.Sprint(m.DecodeTensor(t.Context(), "codes[0]", make([]uint16, at[1])))
		}
		for range 2 { // the second product must have the error, too
			p, err := c.multiply(all[0], 1, 1)
			if err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
			p.free(c)
		}
		p, err := c.multiply(all[4], 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		p.check(c, u.weights[at[4]:])
	}
	c.do(c.stream.Destroy)
}

// TestMultiplyFails injects failures into the first product and into a later one. The consumer allocates four times
// for each product. The runtime allocates only for the first one: for the unit and for the error word.
func TestMultiplyFails(t *testing.T) {
	u := matrixUnit("u", codebook.IndexTiles)
	path := write(t, u)
	for _, tc := range []struct {
		name   string
		driver string
		first  string // the error of the first product, "" for none
		then   string // that of the second one
	}{
		{"no memory for the unit", "fail=cuMemAlloc:5:2", "", ""},
		{"no memory for the unit, nor for a copy of it", "fail=cuMemAlloc:5+:2", "a compressed unit: CUDA_ERROR_OUT_OF_MEMORY (2)", ""},
		{"no memory for the error word", "fail=cuMemAlloc:6:2", "allocate 8 bytes for an error word: CUDA_ERROR_OUT_OF_MEMORY (2)", ""},
		{"upload fails", "fail=cuMemcpyHtoDAsync:2:999", `bytes of unit "u": CUDA_ERROR_UNKNOWN (999)`, ""},
		{"error word is not cleared", "fail=cuMemsetD32Async:1:700", `clear the error word for unit "u": CUDA_ERROR_ILLEGAL_ADDRESS (700)`, ""},
		{"y is not cleared", "fail=cuMemsetD32Async:2:700", `clear 60 numbers for a product with unit "u": CUDA_ERROR_ILLEGAL_ADDRESS (700)`, ""},
		{"y is not cleared later", "fail=cuMemsetD32Async:3:700", "", `clear 60 numbers for a product with unit "u": CUDA_ERROR_ILLEGAL_ADDRESS (700)`},
		{"consumer cannot wait", "fail=cuStreamWaitEvent:1:999", `let the stream of the consumer wait for unit "u": CUDA_ERROR_UNKNOWN (999)`, ""},
		{"launch fails", "fail=cuLaunchKernel:1:719", `device 0: multiply 20 × 1024 weights of unit "u" with 3 vectors: CUDA_ERROR_LAUNCH_FAILED (719)`, ""},
		{"launch fails later", "fail=cuLaunchKernel:2:719", "", `multiply 20 × 1024 weights of unit "u" with 3 vectors: CUDA_ERROR_LAUNCH_FAILED (719)`},
		{"end is not recorded", "fail=cuEventRecord:7:999", "record an event on the stream of the consumer: CUDA_ERROR_UNKNOWN (999)", ""},
		{"slot cannot wait", "fail=cuStreamWaitEvent:2:999", "wait for the last consumer of a slot: CUDA_ERROR_UNKNOWN (999)", ""},
		{"error word is not read", "fail=cuMemcpyDtoHAsync:1:700", `read the error word of unit "u": CUDA_ERROR_ILLEGAL_ADDRESS (700)`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			standin.Start(t, "device=80:64", tc.driver)
			m := openCUDA(t, path, WithDecoder(CUDA))
			defer closeModel(t, m)
			tellShapes(m)
			all, _ := matrices(t, m, "u")
			c := newMatrixConsumer(t, all[0])
			for _, want := range []string{tc.first, tc.then} {
				if strings.HasSuffix(tc.driver, "+:2") && want == "" {
					break // no memory is left for the consumer either
				}
				p, err := c.multiply(all[0], 3, 1)
				var result driver.Result
				switch {
				case err == nil && want == "":
					p.check(c, u.weights)
					continue
				case err == nil || want == "" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `unit "u": `) || !errors.As(err, &result):
					t.Errorf("error %v, want %q", err, want)
				}
				c.do(c.stream.Synchronize)
				p.free(c)
			}
			c.do(c.stream.Destroy)
		})
	}
}

// TestMultiplyEvicts has device memory for a single unit. The second unit must evict the first one.
func TestMultiplyEvicts(t *testing.T) {
	units := []testUnit{matrixUnit("a", codebook.IndexTiles), matrixUnit("b", codebook.IndexTiles)}
	path := write(t, units...)
	standin.Start(t, "device=80:64", "late=1", "fail=cuMemAlloc:11:2", "fail=cuMemAlloc:11:2")
	var w warnings
	m := openCUDA(t, path, WithDecoder(CUDA), w.option())
	defer closeModel(t, m)
	tellShapes(m)
	var c *consumer
	for i, u := range []testUnit{units[0], units[1], units[0]} {
		all, _ := matrices(t, m, u.name)
		if c == nil {
			c = newMatrixConsumer(t, all[0])
		}
		p, err := c.multiply(all[0], 2, i)
		if err != nil {
			t.Fatal(err)
		}
		p.check(c, u.weights)
	}
	for _, want := range []string{`for compressed unit "b": CUDA_ERROR_OUT_OF_MEMORY (2): it stays in host memory`, "compressed units go back to host memory"} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("said %q, want %q", w.String(), want)
		}
	}
	c.do(c.stream.Destroy)
}

// TestMultiplyCancelled ends the context of a first product that waits for a buffer.
func TestMultiplyCancelled(t *testing.T) {
	u, other := matrixUnit("u", codebook.IndexTiles), matrixUnit("v", codebook.IndexTiles)
	standin.Start(t, "device=80:64")
	m := openCUDA(t, write(t, u, other), WithDecoder(CUDA))
	defer closeModel(t, m)
	tellShapes(m)
	all, _ := matrices(t, m, "u")
	var held []*DeviceWeights
	for range m.gpus.Slots() {
		w, err := m.DecodeToDevice(t.Context(), "v")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, w)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { waiting <- all[0].Multiply(ctx, 16, 16, 1, 0) }()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for _, w := range held {
		if err := w.Release(0); err != nil {
			t.Error(err)
		}
	}
	c := newMatrixConsumer(t, all[0])
	p, err := c.multiply(all[0], 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.check(c, u.weights)
	c.do(c.stream.Destroy)
}

// TestMultiplyLost runs a kernel that breaks the context.
func TestMultiplyLost(t *testing.T) {
	path := write(t, matrixUnit("u", codebook.IndexTiles))
	standin.Start(t, "device=80:64", "fault=1:719")
	m := openCUDA(t, path, WithDecoder(CUDA))
	tellShapes(m)
	all, _ := matrices(t, m, "u")
	c := newMatrixConsumer(t, all[0])
	const want = "CUDA_ERROR_LAUNCH_FAILED (719)"
	if _, err := c.multiply(all[0], 3, 1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if err := all[0].Multiply(t.Context(), 16, 16, 1, 0); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	_ = m.Close() // what a broken context says is of no interest
}
