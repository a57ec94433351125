//go:build cuda

package runtime

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// matrixShapes are the shapes of the matrices in the unit of matrixUnit. Columns and first elements of some of them
// are multiples of 256.
var matrixShapes = [][2]int{{20, 1024}, {2, 4096}, {10, 1000}, {1, 7}, {3, 4099}, {500, 3}, {0, 5}, {5, 0}}

// matrixUnit returns a unit of matrices and further weights, with an index.
func matrixUnit(name string, x codebook.Index) testUnit {
	bc := samples.Books()[1]
	weights := bc.Weights[:60_032] // whole rows of 64 for rANS
	u := testUnit{name: name, book: bc.Book, weights: weights, damage: samples.Indexed(bc.Book, weights, x)}
	at := uint64(0)
	for _, s := range matrixShapes {
		at += uint64(s[0] * s[1])
		u.splits = append(u.splits, at)
	}
	return u
}

// tellShapes sets the shapes of the tensors of all matrix units, as a checkpoint with a config.json would.
func tellShapes(m *Model) {
	for _, u := range m.units {
		for i, s := range matrixShapes {
			u.Tensors[i].Shape = []uint64{uint64(s[0]), uint64(s[1])}
		}
	}
}

// A productRun is a queued product. Work on the consumer's stream writes x and reads y, without any other
// synchronisation.
type productRun struct {
	w      *DeviceMatrix
	x      []uint16
	memory [4]cu.DevicePtr // the vectors, x, y and a copy of y
	y      []float32
}

// multiply queues a product with random vectors.
func (c *consumer) multiply(w *DeviceMatrix, batch, seed int) (*productRun, error) {
	c.t.Helper()
	p := &productRun{w: w, x: make([]uint16, batch*w.Columns), y: make([]float32, batch*w.Rows)}
	r := samples.NewRand(seed)
	for i := range p.x {
		p.x[i] = uint16(math.Float32bits(float32(r.NormFloat64())) >> 16)
	}
	xBytes, yBytes := int64(2*len(p.x)), int64(4*len(p.y))
	for i, n := range []int64{xBytes, xBytes, yBytes, yBytes} {
		c.do(func() (err error) { p.memory[i], err = cu.MemAlloc(max(n, 4)); return })
	}
	if xBytes > 0 {
		c.do(func() error { return cu.MemcpyHtoD(p.memory[0], unsafe.Pointer(&p.x[0]), xBytes) })
		c.do(func() error { return cu.MemcpyDtoDAsync(p.memory[1], p.memory[0], xBytes, c.stream) })
	}
	err := w.Multiply(c.t.Context(), uintptr(p.memory[1]), uintptr(p.memory[2]), batch, driver.Handle(c.stream))
	if err == nil && yBytes > 0 {
		c.do(func() error { return cu.MemcpyDtoDAsync(p.memory[3], p.memory[2], yBytes, c.stream) })
	}
	return p, err
}

// read waits for the product and frees its memory.
func (p *productRun) read(c *consumer) []float32 {
	c.t.Helper()
	c.do(c.stream.Synchronize)
	if len(p.y) > 0 {
		c.do(func() error { return cu.MemcpyDtoH(unsafe.Pointer(&p.y[0]), p.memory[3], int64(4*len(p.y))) })
	}
	p.free(c)
	return p.y
}

func (p *productRun) free(c *consumer) {
	c.t.Helper()
	for _, m := range p.memory {
		c.do(func() error { return cu.MemFree(m) })
	}
}

// check reads a product and compares it with float64 sums. The difference must not be larger than that of float32
// sums of as many numbers, in any order.
func (p *productRun) check(c *consumer, weights []uint16) {
	c.t.Helper()
	y := p.read(c)
	float := func(bf16 uint16) float64 { return float64(math.Float32frombits(uint32(bf16) << 16)) }
	rows, columns := p.w.Rows, p.w.Columns
	for i := range y {
		var sum, size float64
		for k, weight := range weights[i%rows*columns:][:columns] {
			v := float(weight) * float(p.x[i/rows*columns+k])
			sum += v
			size += math.Abs(v)
		}
		if got, most := float64(y[i]), size*float64(columns+64)*0x1p-24; !(math.Abs(got-sum) <= most) {
			c.t.Fatalf("%s with %d vectors, row %d, vector %d: %g, want %g within %g", p.w.Tensor, len(p.x)/max(columns, 1), i%rows, i/rows, got, sum, most)
		}
	}
}

// matrices returns the matrices of a unit, and the places of their weights in it.
func matrices(t *testing.T, m *Model, unit string) (all []*DeviceMatrix, at []int) {
	t.Helper()
	first := 0
	for i, s := range matrixShapes {
		w, err := m.DeviceMatrix(fmt.Sprintf("%s[%d]", unit, i))
		if err != nil {
			t.Fatal(err)
		}
		if w.Rows != s[0] || w.Columns != s[1] {
			t.Errorf("%s is %d × %d, want %v", w.Tensor, w.Rows, w.Columns, s)
		}
		all, at = append(all, w), append(at, first)
		first += s[0] * s[1]
	}
	return all, at
}

// newMatrixConsumer makes the context of a matrix current.
func newMatrixConsumer(t *testing.T, w *DeviceMatrix) *consumer {
	setContext(t, w.Context)
	return newConsumer(t)
}

// TestMultiply multiplies matrices of many shapes with 1 to 8 vectors. Their units are in device memory or in host
// memory. The device does its work in many orders.
func TestMultiply(t *testing.T) {
	units := []testUnit{matrixUnit("both", codebook.IndexBoth), matrixUnit("tiles", codebook.IndexTiles)}
	path := write(t, units...)
	for seed := range 8 {
		for _, memory := range []int64{1, 1 << 30} {
			t.Run(fmt.Sprintf("seed=%d memory=%d", seed, memory), func(t *testing.T) {
				standin.Start(t, "device=80:64", fmt.Sprintf("seed=%d", seed), fmt.Sprintf("late=%d", seed%2))
				m := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(memory))
				defer closeModel(t, m)
				tellShapes(m)
				var c *consumer
				for _, u := range units {
					all, at := matrices(t, m, u.name)
					if c == nil {
						c = newMatrixConsumer(t, all[0])
					}
					for range 2 { // checked, and not checked again
						var queued []*productRun
						for i, w := range all {
							p, err := c.multiply(w, (seed+i)%MostVectors+1, seed)
							if err != nil {
								t.Fatal(err)
							}
							queued = append(queued, p)
						}
						for i, p := range queued {
							p.check(c, u.weights[at[i]:])
						}
					}
				}
				c.do(c.stream.Destroy)
			})
		}
	}
}

// TestMultiplyAmong decodes between products, on the default stream and others.
func TestMultiplyAmong(t *testing.T) {
	u := matrixUnit("u", codebook.IndexTiles)
	path := write(t, u)
	for _, memory := range []int64{1, 1 << 30} {
		d := standin.Start(t, "device=80:64", "late=1")
		m := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(memory))
		tellShapes(m)
		all, at := matrices(t, m, "u")
		other, same := newMatrixConsumer(t, all[0]), &consumer{t: t}
		for i := range 4 {
			weights, err := m.DecodeToDevice(t.Context(), "u")
			if err != nil {
				t.Fatal(err)
			}
			other.take(weights)
			c := []*consumer{other, same}[i%2]
			p, err := c.multiply(all[i], 3, i)
			if err != nil {
				t.Fatal(err)
			}
			decodeUnit(t, m, u)
			p.check(c, u.weights[at[i]:])
		}
		other.check([]testUnit{u, u, u, u})
		launches, uploaded := d.Count("launches"), d.Count("uploaded")
		p, err := same.multiply(all[0], 1, 9)
		if err != nil {
			t.Fatal(err)
		}
		p.check(same, u.weights)
		if n := d.Count("launches") - launches; n != 1 {
			t.Errorf("a product took %d launches", n)
		}
		if again := d.Count("uploaded") - uploaded - 2*all[0].Columns; again != 0 && memory > 1 || again == 0 && memory == 1 {
			t.Errorf("a product uploaded %d bytes", again)
		}
		closeModel(t, m)
	}
}

// TestMultiplyRepeats checks that the last bits are the same every time if the documentation says so.
func TestMultiplyRepeats(t *testing.T) {
	path := write(t, matrixUnit("u", codebook.IndexTiles))
	var first [2][]float32
	for seed := range 5 {
		standin.Start(t, "device=80:64", fmt.Sprintf("seed=%d", seed))
		m := openCUDA(t, path, WithDecoder(CUDA))
		tellShapes(m)
		all, _ := matrices(t, m, "u")
		c := newMatrixConsumer(t, all[0])
		for i := range first {
			p, err := c.multiply(all[i], 2, 1)
			if err != nil {
				t.Fatal(err)
			}
			if y := p.read(c); first[i] == nil {
				first[i] = y
			} else if !slices.Equal(y, first[i]) {
				t.Errorf("seed %d: other sums of %s", seed, all[i].Tensor)
			}
		}
		c.do(c.stream.Destroy)
		closeModel(t, m)
	}
}
