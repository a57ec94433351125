//go:build cuda

package runtime

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// productMatrices are tensors of a unit to multiply with on GPUs. Of some, rows go through several splits or blocks, and some
// have patches, no rows or no columns.
func productMatrices() []matrix {
	list := []matrix{
		{"u.0", 9, 1024, 3 * 1024, nil},
		{"u.1", 3, 65 * 64, 65 * 64, nil},
		{"u.2", 3, 130 * 64, 20 * 64, nil},
		{"u.3", 70, 64, 64 * 64, nil},
		{"u.4", 33, 192, 33 * 192, nil},
		{"u.5", 0, 5, 64, nil},
		{"u.6", 5, 0, 64, nil},
	}
	for i := range list {
		x := &list[i]
		x.weights = samples.Trained(x.rows*x.columns, uint64(i))
		for k := range x.weights {
			if i%2 == 0 && k%51 == 0 {
				x.weights[k] = uint16(k*131) & 0xbfff // without infinities
			}
		}
	}
	return list
}

// inTurns codes every other tensor in the form Joint.
func inTurns(name string, x *rans.Tensor) {
	if name[len(name)-1]%2 == 0 {
		return
	}
	weights := samples.Must(rans.Decode(&x.Stream))
	counts := make([]uint64, rans.Joint.Symbols())
	for _, w := range weights {
		counts[rans.Joint.Symbol(w)]++
	}
	x.Stream = *samples.Must(rans.Encode(rans.Joint, samples.Must(rans.NewTable(rans.Joint, counts)), weights, x.BlockWeights))
}

// unitOf is a unit of tensors, to compare with.
func unitOf(name string, list []matrix) testUnit {
	u := testUnit{name: name}
	for _, x := range list {
		u.weights = append(u.weights, x.weights...)
	}
	return u
}

// ransModels are the paths of a checkpoint in both forms, and in both by turns.
func ransModels(t *testing.T, list []matrix) map[string]string {
	return map[string]string{
		"exponent": writeRANS(t, rans.Exponent, list, nil),
		"joint":    writeRANS(t, rans.Joint, list, nil),
		"in turns": writeRANS(t, rans.Exponent, list, inTurns),
	}
}

// TestMultiplyRANS multiplies with 1 to 8 vectors, on two streams by turns, of which one may be the default stream, while the
// device does its work in many orders.
func TestMultiplyRANS(t *testing.T) {
	list := productMatrices()
	u := unitOf("u", list)
	for form, path := range ransModels(t, list) {
		for seed := range testenv.Pick(2, 10) {
			for _, memory := range []int64{1, 1 << 30} {
				t.Run(fmt.Sprintf("%s seed=%d memory=%d", form, seed, memory), func(t *testing.T) {
					standin.Start(t, "device=80:64", fmt.Sprintf("seed=%d", seed), fmt.Sprintf("late=%d", seed%2))
					m := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(memory))
					defer closeModel(t, m)
					var c [2]*consumer
					for round := range 2 { // checked, and not checked again
						var queued []*productRun
						for i, x := range list {
							w, err := m.DeviceMatrix(x.name)
							if err != nil {
								t.Fatal(err)
							}
							if c[0] == nil {
								c[0] = newMatrixConsumer(t, w)
								c[1] = &consumer{t: t}
								if seed%2 == 0 {
									c[1] = newConsumer(t)
								}
							}
							for k := range c {
								p, err := c[k].multiply(w, (seed+i+3*k)%MostVectors+1, seed+round)
								if err != nil {
									t.Fatal(err)
								}
								queued = append(queued, p)
							}
						}
						for i, p := range queued {
							p.check(c[i%2], list[i/2].weights)
						}
						decodeUnit(t, m, u)
					}
					for _, c := range c {
						if c.stream != (cu.Stream{}) {
							c.do(c.stream.Destroy)
						}
					}
				})
			}
		}
	}
}

// TestMultiplyRANSTurns queues products whose sums take the same memory on two streams, after their tensors were checked.
func TestMultiplyRANSTurns(t *testing.T) {
	list := productMatrices()[1:3]
	path := writeRANS(t, rans.Exponent, list, nil)
	for seed := range 20 {
		standin.Start(t, "device=80:64", fmt.Sprintf("seed=%d", seed), "late=1")
		m := openCUDA(t, path, WithDecoder(CUDA))
		var c [2]*consumer
		var queued []*productRun
		for i, x := range list {
			w := samples.Must(m.DeviceMatrix(x.name))
			if i == 0 {
				c[0], c[1] = newMatrixConsumer(t, w), newConsumer(t)
			}
			queued = append(queued, samples.Must(c[i].multiply(w, 2, seed)))
		}
		for i, p := range queued {
			if err := p.again(c[i]); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range queued {
			p.check(c[i], list[i].weights)
			c[i].do(c[i].stream.Destroy)
		}
		closeModel(t, m)
	}
}

// again queues the product once more, and nothing that waits for other streams.
func (p *productRun) again(c *consumer) error {
	err := p.w.Multiply(c.t.Context(), uintptr(p.memory[1]), uintptr(p.memory[2]), len(p.x)/p.w.Columns, driver.Handle(c.stream))
	if err == nil {
		c.do(func() error { return cu.MemcpyDtoDAsync(p.memory[3], p.memory[2], int64(4*len(p.y)), c.stream) })
	}
	return err
}

// TestMultiplyRANSRepeats checks that the bits are the same every time.
func TestMultiplyRANSRepeats(t *testing.T) {
	list := productMatrices()[:5]
	path := writeRANS(t, rans.Joint, list, nil)
	first := make([][]float32, len(list))
	for seed := range 4 {
		standin.Start(t, "device=80:64", fmt.Sprintf("seed=%d", seed))
		m := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(int64(1+seed%2<<30)))
		var c *consumer
		for i, x := range list {
			w := samples.Must(m.DeviceMatrix(x.name))
			if c == nil {
				c = newMatrixConsumer(t, w)
			}
			y := samples.Must(c.multiply(w, 2, 1)).read(c)
			if first[i] == nil {
				first[i] = y
			} else if !slices.Equal(y, first[i]) {
				t.Errorf("seed %d: other sums of %s", seed, x.name)
			}
		}
		c.do(c.stream.Destroy)
		closeModel(t, m)
	}
}

// TestMultiplyRANSNaN multiplies with rows that have an infinity, or a NaN, in a patch or not.
func TestMultiplyRANSNaN(t *testing.T) {
	x := matrix{"u.0", 5, 128, 640, slices.Repeat([]uint16{0x3f80}, 640)}
	x.weights[5], x.weights[128+100], x.weights[2*128] = 0x7f80, 0x7fc1, 0xff80
	x.weights[4*128+3], x.weights[4*128+4] = 0x7f80, 0xff80 // together no number
	y := matrix{"u.1", 5, 128, 640, slices.Clone(x.weights)}
	for i := range y.weights {
		y.weights[i] = uint16(0x3f80 - i%40<<7) // more exponents than a table has
	}
	copy(y.weights[3*128:], []uint16{0x7f80, 0x7fc0})
	standin.Start(t, "device=80:64")
	for _, path := range ransModels(t, []matrix{x, y}) {
		m := openCUDA(t, path, WithDecoder(CUDA))
		decodeUnit(t, m, unitOf("u", []matrix{x, y}))
		var c *consumer
		for _, x := range []matrix{x, y} {
			w := samples.Must(m.DeviceMatrix(x.name))
			if c == nil {
				c = newMatrixConsumer(t, w)
			}
			p := samples.Must(c.multiply(w, 1, 1))
			for i, got := range p.read(c) {
				want := 0.0
				for k, weight := range x.weights[128*i:][:128] {
					want += float64(math.Float32frombits(uint32(weight)<<16)) * float64(math.Float32frombits(uint32(p.x[k])<<16))
				}
				if got := float64(got); math.IsNaN(got) != math.IsNaN(want) || math.IsInf(want, 0) && got != want {
					t.Errorf("%s, row %d: %g, want %g", x.name, i, got, want)
				}
			}
		}
		c.do(c.stream.Destroy)
		closeModel(t, m)
	}
}

// TestMultiplyRANSDamaged multiplies with damaged tensors, and with a sound one of the same unit.
func TestMultiplyRANSDamaged(t *testing.T) {
	list := productMatrices()[:5]
	for name, damage := range ransDamages {
		path := writeRANS(t, rans.Exponent, list, func(tensor string, x *rans.Tensor) {
			if tensor == "u.0" || tensor == "u.4" {
				_, layout, err := x.Validate()
				if err != nil {
					t.Fatal(err)
				}
				damage(x.Block(layout, x.Len()/2))
			}
		})
		standin.Start(t, "device=80:64")
		m := openCUDA(t, path, WithDecoder(CUDA))
		var c *consumer
		for i, x := range list {
			w := samples.Must(m.DeviceMatrix(x.name))
			if c == nil {
				c = newMatrixConsumer(t, w)
			}
			want := m.DecodeTensor(t.Context(), x.name, make([]uint16, len(x.weights)))
			if (want != nil) != (i == 0 || i == 4) && name != rans.BadZeros.String() { // whole steps have no zeros
				t.Fatalf("%s: %s: error %v", name, x.name, want)
			}
			for range 2 { // the second product must have the error, too
				p, err := c.multiply(w, 1, 1)
				if fmt.Sprint(err) != fmt.Sprint(want) {
					t.Errorf("%s: %s: error %v, want %v", name, x.name, err, want)
				}
				if err == nil && name != rans.BadZeros.String() {
					p.check(c, x.weights)
				} else {
					c.do(c.stream.Synchronize)
					p.free(c)
				}
			}
		}
		if name != rans.BadZeros.String() {
			_, err := m.DecodeToDevice(t.Context(), "u")
			if want := m.DecodeUnit(t.Context(), "u", make([]uint16, m.Units()[0].Elements)); err == nil || fmt.Sprint(err) != fmt.Sprint(want) {
				t.Errorf("%s: error %v, want %v", name, err, want)
			}
		}
		c.do(c.stream.Destroy)
		closeModel(t, m)
	}
}

// TestCUDARANSFault decodes a sound tensor of a unit whose others are damaged. The warning names a split of one that is.
func TestCUDARANSFault(t *testing.T) {
	list := productMatrices()[:5]
	path := writeRANS(t, rans.Exponent, list, func(tensor string, x *rans.Tensor) {
		inTurns(tensor, x)
		if tensor == "u.3" {
			_, layout, err := x.Validate()
			if err != nil {
				t.Fatal(err)
			}
			ransDamages[rans.BadState.String()](x.Block(layout, 1))
		}
	})
	standin.Start(t, "device=80:64")
	var w warnings
	m := openCUDA(t, path, WithDecoder(CUDA), w.option())
	defer closeModel(t, m)
	decodeTensor(t, m, "u.0", list[0].weights)
	const want = `cuda: unit "u": device 0, Stand-in 0, compute capability 8.0, kernel decode_rans_joint: tensor "u.3", split 1: a state is too small: decoded by `
	if !strings.HasPrefix(w.String(), want) {
		t.Errorf("said %q, want %q", w.String(), want)
	}
}

// TestDeviceMatrixRANSErrors asks for matrices that GPUs cannot multiply with.
func TestDeviceMatrixRANSErrors(t *testing.T) {
	list := []matrix{
		{"u.blocks", 10, 128, 100, samples.Trained(1280, 1)},
		{"u.columns", 10, 100, 1000, samples.Trained(1000, 2)},
		{"u.one", 1, 1, 1, []uint16{0x8001}},
	}
	standin.Start(t, "device=80:64")
	m := openCUDA(t, writeRANS(t, rans.Exponent, list, nil), WithDecoder(CUDA))
	defer closeModel(t, m)
	for name, want := range map[string]string{
		"u.blocks":  "blocks of 100 weights, but products on a GPU need a multiple of 64 with rANS",
		"u.columns": "rows of 100 weights, but products on a GPU need a multiple of 64 with rANS",
		"u.one":     "rows of 1 weights, but products on a GPU need a multiple of 64 with rANS",
	} {
		if _, err := m.DeviceMatrix(name); err == nil || !strings.HasSuffix(err.Error(), fmt.Sprintf(`: unit "u": tensor %q: %s`, name, want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	decodeUnit(t, m, unitOf("u", list))
}

// TestCUDARANSUploads counts the bytes that are uploaded. Units that fit are uploaded once, and their tensors described for
// each decoding.
func TestCUDARANSUploads(t *testing.T) {
	list := productMatrices()
	u := unitOf("u", list)
	path := writeRANS(t, rans.Exponent, list, inTurns)
	for memory, again := range map[int64]bool{1: true, 1 << 30: false} {
		d := standin.Start(t, "device=80:64")
		m := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(memory))
		decodeUnit(t, m, u)
		first := d.Count("uploaded")
		decodeUnit(t, m, u)
		if n := d.Count("uploaded") - first; again && n != first || !again && n != 88*len(list) {
			t.Errorf("uploaded %d bytes first, then %d", first, n)
		}
		launches := d.Count("launches")
		w := samples.Must(m.DeviceMatrix("u.0"))
		c := newMatrixConsumer(t, w)
		samples.Must(c.multiply(w, 3, 1)).check(c, list[0].weights)
		if n := d.Count("launches") - launches; n != 3 {
			t.Errorf("a product with 3 vectors took %d launches", n)
		}
		c.do(c.stream.Destroy)
		closeModel(t, m)
	}
}

// TestCUDARANSEvicts has device memory for a single unit: the other one goes back to host memory, and returns.
func TestCUDARANSEvicts(t *testing.T) {
	list := []matrix{{"a.0", 60, 1024, 60 * 1024, samples.Trained(60*1024, 1)}, {"b.0", 60, 1024, 60 * 1024, samples.Trained(60*1024, 2)}}
	path := writeRANS(t, rans.Joint, list, nil)
	for nth := 1; nth < 12; nth++ {
		standin.Start(t, "device=80:64", fmt.Sprintf("fail=cuMemAlloc:%d:2", nth))
		var w warnings
		m := openCUDA(t, path, WithDecoder(CUDA), w.option())
		for range 2 {
			for _, x := range list {
				decodeUnit(t, m, unitOf(x.name[:1], []matrix{x}))
			}
			decodeAll(t, m, []testUnit{unitOf("a", list[:1]), unitOf("b", list[1:])})
		}
		if got := m.Decoder(); got.Name != CUDA || strings.Contains(got.Reason, "split") {
			t.Errorf("decoder %v", got)
		}
		closeModel(t, m)
	}
}

// TestMultiplyRANSFails injects a failure into each call of the driver that two products take: they have the error, or are
// right. The consumer makes the first four allocations.
func TestMultiplyRANSFails(t *testing.T) {
	list := productMatrices()[1:2]
	path := writeRANS(t, rans.Exponent, list, nil)
	for call, failures := range map[string]struct{ first, code, least int }{
		"cuMemAlloc":        {5, 2, 2}, // the error word and the sums
		"cuMemcpyHtoDAsync": {1, 999, 7},
		"cuMemsetD32Async":  {1, 999, 1},
		"cuStreamWaitEvent": {1, 999, 3},
		"cuLaunchKernel":    {1, 719, 8},
		"cuEventRecord":     {1, 999, 10},
		"cuMemcpyDtoHAsync": {1, 700, 1},
	} {
		failed := 0
		for nth := range 12 {
			standin.Start(t, "device=80:64", fmt.Sprintf("fail=%s:%d:%d", call, failures.first+nth, failures.code))
			m := openCUDA(t, path, WithDecoder(CUDA))
			w := samples.Must(m.DeviceMatrix("u.1"))
			c := newMatrixConsumer(t, w)
			p, err := c.multiply(w, 2, 1)
			again := p.again(c)
			for _, err := range []error{err, again} {
				var result driver.Result
				if err != nil {
					failed++
					if !errors.As(err, &result) || int(result) != failures.code || !strings.Contains(err.Error(), `unit "u": `) {
						t.Errorf("%s %d: error %v", call, nth, err)
					}
				}
			}
			if err == nil || again == nil {
				p.check(c, list[0].weights)
			} else {
				c.do(c.stream.Synchronize)
				p.free(c)
			}
			c.do(c.stream.Destroy)
			closeModel(t, m)
		}
		if failed < failures.least {
			t.Errorf("%s failed %d products, want %d at least", call, failed, failures.least)
		}
	}
}
