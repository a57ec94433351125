//go:build cuda

package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// consumer stands for a program that computes with weights in device memory. It copies them.
type consumer struct {
	t      *testing.T
	stream cu.Stream
	copies []cu.DevicePtr
}

func newConsumer(t *testing.T) *consumer {
	c := &consumer{t: t}
	c.do(func() (err error) { c.stream, err = cu.MakeStream(cu.NonBlocking); return })
	return c
}

func (c *consumer) do(call func() error) {
	c.t.Helper()
	if err := call(); err != nil {
		c.t.Fatal(driver.Translate(err))
	}
}

// take queues a copy of the weights behind their event, and gives them back.
func (c *consumer) take(w *DeviceWeights) {
	c.t.Helper()
	n := int64(2 * w.Unit.Elements)
	var copied cu.DevicePtr
	c.do(func() (err error) { copied, err = cu.MemAlloc(n); return })
	c.do(func() error {
		return c.stream.Wait(*(*cu.Event)(unsafe.Pointer(&w.Ready)), 0)
	})
	c.do(func() error { return cu.MemcpyDtoDAsync(copied, cu.DevicePtr(w.Pointer), n, c.stream) })
	if err := w.Release(driver.Handle(c.stream)); err != nil {
		c.t.Error(err)
	}
	c.copies = append(c.copies, copied)
}

// check compares the copies and ends the consumer.
func (c *consumer) check(units []testUnit) {
	c.t.Helper()
	c.do(c.stream.Synchronize)
	for i, u := range units {
		got := make([]uint16, len(u.weights))
		c.do(func() error { return cu.MemcpyDtoH(unsafe.Pointer(&got[0]), c.copies[i], int64(2*len(got))) })
		if !slices.Equal(got, u.weights) {
			c.t.Errorf("unit %s: wrong weights in device memory", u.name)
		}
		c.do(func() error { return cu.MemFree(c.copies[i]) })
	}
	c.do(c.stream.Destroy)
}

// TestDecodeToDevice decodes units to alternating buffers, while the device does its work in many orders.
func TestDecodeToDevice(t *testing.T) {
	bc := samples.Books()[1]
	var units []testUnit
	for i := range 6 {
		units = append(units, testUnit{name: fmt.Sprintf("u%d", i), book: bc.Book, weights: bc.Weights[i : 14_000+i*900]})
	}
	paths := bothCodecs(t, units...)
	for seed := range 10 {
		for _, memory := range []int64{1, 1 << 30} {
			eachCodec(t, fmt.Sprintf("seed=%d memory=%d", seed, memory), paths, func(t *testing.T, path string) {
				standin.Start(t, "device=80:64", fmt.Sprintf("seed=%d", seed))
				m := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(memory))
				defer closeModel(t, m)
				for range 2 { // checked, and not checked again
					var c *consumer
					next, err := m.DecodeToDevice(t.Context(), units[0].name)
					for i := range units {
						w := next
						if err != nil {
							t.Fatal(err)
						}
						if i+1 < len(units) {
							next, err = m.DecodeToDevice(t.Context(), units[i+1].name)
						}
						if c == nil {
							setContext(t, w.Context)
							c = newConsumer(t)
						}
						c.take(w)
					}
					c.check(units)
				}
			})
		}
	}
}

// setContext makes a context current for the consumer of this goroutine. The goroutine must be locked to its thread.
func setContext(t *testing.T, context uintptr) {
	t.Helper()
	lockThread(t)
	if err := cu.SetCurrentContext(*(*cu.CUContext)(unsafe.Pointer(&context))); err != nil {
		t.Fatal(err)
	}
}

func TestDecodeToDeviceErrors(t *testing.T) {
	units := sampleUnits()
	units[1].damage = func(s *codebook.Stream) {
		_, bit := s.ChunkStart(3)
		s.Encoded[bit/8+1] ^= 0x55
	}
	units[2].damage = func(s *codebook.Stream) { s.Luts[300] = 255 }
	path := write(t, units...)
	standin.Start(t, "device=80:64")
	m := openCUDA(t, path, WithDecoder(CUDA))
	defer closeModel(t, m)
	for unit, want := range map[string]string{
		"layers.0": `unit "layers.0": chunk 3: `,
		"layers.1": `unit "layers.1": codebook: `,
		"none":     `no unit "none"`,
	} {
		if _, err := m.DecodeToDevice(t.Context(), unit); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	w, err := m.DecodeToDevice(t.Context(), "small")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(); err != nil {
		t.Error(err)
	}
	if err := w.Release(0); err != nil {
		t.Error(err)
	}
}

// TestDecodeToDeviceNoMemory decodes units whose weights do not fit into device memory.
func TestDecodeToDeviceNoMemory(t *testing.T) {
	eachCodec(t, "", bothCodecs(t, sampleUnits()...), func(t *testing.T, path string) {
		standin.Start(t, "device=80:64", "fail=cuMemAlloc:1+:2")
		m := openCUDA(t, path, WithDecoder(CUDA))
		defer closeModel(t, m)
		if _, err := m.DecodeToDevice(t.Context(), "small"); !errors.Is(err, driver.OutOfMemory) {
			t.Errorf("error %v", err)
		}
	})
}
