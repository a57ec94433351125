//go:build cuda

package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// warnings collects the warnings of a model.
type warnings struct {
	mu   sync.Mutex
	said []string
}

func (w *warnings) option() Option {
	return WithWarnings(func(message string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.said = append(w.said, message)
	})
}

func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}

// closeModel closes a model before a test ends, so that the test can check the driver after it.
func closeModel(t *testing.T, m *Model) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// openCUDA opens a checkpoint for a test that closes it.
func openCUDA(t *testing.T, path string, opts ...Option) *Model {
	t.Helper()
	m, err := Open(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestCUDAFallsBack injects failures after which the CPU can decode. It checks that the weights are right, that the
// program gets a warning, and that Decoder says the same.
func TestCUDAFallsBack(t *testing.T) {
	units := sampleUnits()
	paths := bothCodecs(t, units...)
	cpu := bestOnCPU().Name
	for _, tc := range []struct {
		name    string
		driver  []string
		decoder string   // the decoder in the end
		says    []string // "" for nothing
	}{
		{"nothing", []string{"device=80:256"}, CUDA, nil},
		{"driver without a device", nil, cpu, nil},
		{"device too old", []string{"device=35:256"}, cpu, []string{"cuda is of no use, ", "NO_BINARY_FOR_GPU"}},
		{"driver too old", []string{"device=80:256", "driver=8000"}, cpu, []string{"load the PTX", "UNSUPPORTED_PTX_VERSION", "older than the PTX"}},
		{"invalid PTX", []string{"device=80:256", "fail=cuModuleLoadDataEx:1:218"}, cpu, []string{"load the PTX", "CUDA_ERROR_INVALID_PTX (218)"}},
		{"no context", []string{"device=80:256", "fail=cuDevicePrimaryCtxRetain:1:2"}, cpu, []string{"create a context", "OUT_OF_MEMORY"}},
		{"second device serves", []string{"device=90:256", "device=80:256", "fail=cuModuleLoadDataEx:1:209"}, CUDA, nil},
		{"no event", []string{"device=80:256", "fail=cuEventCreate:1:999"}, cpu, []string{"create an event", "CUDA_ERROR_UNKNOWN (999)"}},
		{"no pinned memory", []string{"device=80:256", "fail=cuMemHostAlloc:1:2"}, cpu, []string{"pinned memory"}},
		{"pinned memory for one", []string{"device=80:256", "fail=cuMemHostAlloc:3:2"}, CUDA, []string{"one unit at a time"}},
		{"no memory for weights", []string{"device=80:256", "fail=cuMemAlloc:1+:2"}, CUDA, []string{`unit "layers.0": device 0: allocate `, "bytes for weights: CUDA_ERROR_OUT_OF_MEMORY (2): decoded by " + cpu}},
		{"once no memory for weights", []string{"device=80:256", "fail=cuMemAlloc:1:2"}, CUDA, []string{"one unit at a time"}},
		{"no memory for a unit", []string{"device=80:256", "fail=cuMemAlloc:2:2"}, CUDA, []string{"compressed unit ", "stays in host memory"}},
		{"little memory", []string{"device=80:1"}, CUDA, []string{"one unit at a time"}},
		{"units go back", []string{"device=80:256", "fail=cuMemAlloc:4:2"}, CUDA, []string{"OUT_OF_MEMORY"}},
		{"units go back later", []string{"device=80:256", "fail=cuMemAlloc:5:2"}, CUDA, []string{"host memory"}},
		{"launch fails", []string{"device=80:256", "fail=cuLaunchKernel:2:701"}, cpu, []string{"decode unit ", "from here on"}},
		{"kernel faults", []string{"device=80:256", "fault=2:719"}, cpu, []string{"CUDA_ERROR_LAUNCH_FAILED (719)"}},
		{"device is lost", []string{"device=80:256", "fail=cuMemcpyHtoDAsync:5+:999"}, cpu, []string{"upload ", "CUDA_ERROR_UNKNOWN (999)"}},
		{"download fails", []string{"device=80:256", "fail=cuMemcpyDtoHAsync:1:700"}, cpu, []string{"download ", "CUDA_ERROR_ILLEGAL_ADDRESS (700)"}},
	} {
		eachCodec(t, tc.name, paths, func(t *testing.T, path string) {
			standin.Start(t, tc.driver...)
			var w warnings
			m := openCUDA(t, path, w.option())
			defer closeModel(t, m)
			for _, u := range units {
				decodeUnit(t, m, u)
			}
			decodeAll(t, m, units)
			got := m.Decoder()
			if got.Name != tc.decoder {
				t.Errorf("decoder %v, want %s", got, tc.decoder)
			}
			for _, want := range tc.says {
				if !strings.Contains(w.String(), want) || !strings.Contains(got.Reason, want) {
					t.Errorf("said %q, and as the reason %q, want %q", w.String(), got.Reason, want)
				}
			}
			if len(tc.says) == 0 && w.String() != "" {
				t.Errorf("said %q", w.String())
			}
		})
	}
}

// TestCUDAForced asks for the decoder by name. The CPU must decode only if memory is short.
func TestCUDAForced(t *testing.T) {
	units := sampleUnits()
	paths := bothCodecs(t, units...)
	dst := make([]uint16, len(units[1].weights))
	for _, tc := range []struct {
		name         string
		driver       []string
		open, decode string
	}{
		{"no device", nil, "decoder cuda, forced by option, is not available: the driver finds no GPU", ""},
		{"invalid PTX", []string{"device=80:256", "fail=cuModuleLoadDataEx:1:218"}, "decoder cuda, forced by option: device 0", ""},
		{"launch fails", []string{"device=80:256", "fail=cuLaunchKernel:1:719"}, "", `unit "layers.0": device 0: decode unit "layers.0", `},
		{"kernel faults", []string{"device=80:256", "fault=1:719"}, "", "CUDA_ERROR_LAUNCH_FAILED (719)"},
		{"device is lost", []string{"device=80:256", "fail=cuStreamSynchronize:1+:999"}, "", `device 0: upload unit "layers.0": CUDA_ERROR_UNKNOWN (999)`},
	} {
		eachCodec(t, tc.name, paths, func(t *testing.T, path string) {
			standin.Start(t, tc.driver...)
			m, err := Open(path, WithDecoder(CUDA))
			if tc.open != "" {
				if err == nil || !strings.Contains(err.Error(), tc.open) {
					t.Errorf("error %v, want %q", err, tc.open)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer closeModel(t, m)
			for range 2 { // the second time the device is known to be broken
				err := m.DecodeUnit(t.Context(), "layers.0", dst)
				var result driver.Result
				if err == nil || !strings.Contains(err.Error(), tc.decode) || !errors.As(err, &result) {
					t.Errorf("error %v, want %q", err, tc.decode)
				}
			}
		})
	}
}

// TestCUDANoDevices asks for a device that does not exist, and for a device that no kernel runs on.
func TestCUDANoDevices(t *testing.T) {
	path := write(t, sampleUnits()...)
	standin.Start(t, "device=80:256")
	if _, err := Open(path, WithDecoder(CUDA), WithDevices(1)); err == nil || !strings.Contains(err.Error(), "no device 1, there are 1") {
		t.Errorf("error %v", err)
	}
	k := &Kernel{ABI: kernel.ABI, Name: "bare", Books: []*codebook.Book{sampleUnits()[1].book, sampleUnits()[2].book}}
	if _, err := Open(path, WithDecoder(CUDA), WithKernel(k)); err == nil || !strings.Contains(err.Error(), "kernel bare was generated without PTX") {
		t.Errorf("error %v", err)
	}
}

// TestCUDAUploadsOnce counts the bytes that are uploaded to the device. Units that fit must be uploaded once, and
// others for each decoding.
func TestCUDAUploadsOnce(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	for _, tc := range []struct {
		name   string
		memory int64 // 0 for all
		again  bool
	}{
		{"resident", 0, false},
		{"from host memory", 1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := standin.Start(t, "device=80:256")
			opts := []Option{WithDecoder(CUDA)}
			if tc.memory > 0 {
				opts = append(opts, WithDeviceMemory(tc.memory))
			}
			m := openCUDA(t, path, opts...)
			defer closeModel(t, m)
			decodeAll(t, m, units)
			first := d.Count("uploaded")
			decodeAll(t, m, units)
			if again := d.Count("uploaded") - first; again != 0 && !tc.again || again != first && tc.again {
				t.Errorf("uploaded %d bytes first, then %d", first, again)
			}
			if got := strings.Contains(m.Decoder().Reason, "stay in host memory"); got != tc.again {
				t.Errorf("decoder %v", m.Decoder())
			}
		})
	}
}

// TestCUDADevices spreads units over several GPUs.
func TestCUDADevices(t *testing.T) {
	bc := samples.Books()[1]
	var units []testUnit
	for i := range 9 {
		units = append(units, testUnit{name: fmt.Sprintf("u%d", i), book: bc.Book, weights: bc.Weights[i : 60_000+i]})
	}
	paths := bothCodecs(t, units...)
	for _, tc := range []struct {
		name   string
		driver []string
		opts   []Option
		used   []int // devices, in the order of the units
		says   string
	}{
		{"the more capable one", []string{"device=80:256", "device=90:64"}, nil, []int{1}, "device 1, Stand-in 1, compute capability 9.0"},
		{"the larger one", []string{"device=80:64", "device=80:256"}, nil, []int{1}, "device 1"},
		{"the one with more free memory", []string{"device=80:256:230", "device=80:128"}, nil, []int{1}, "device 1"},
		{"the one that tells its free memory", []string{"device=80:256", "device=80:128", "fail=cuMemGetInfo:1:1"}, nil, []int{1}, "device 1"},
		{"named", []string{"device=80:64", "device=80:64"}, []Option{WithDevices(1, 0)}, []int{1, 0}, "device 1"},
		{"as many as it takes", []string{"device=80:64", "device=80:64", "device=80:64"}, []Option{WithDeviceMemory(800_000)}, []int{0, 1}, "; device 1"},
	} {
		eachCodec(t, tc.name, paths, func(t *testing.T, path string) {
			standin.Start(t, tc.driver...)
			m := openCUDA(t, path, append(tc.opts, WithDecoder(CUDA))...)
			defer closeModel(t, m)
			if !strings.Contains(m.Decoder().Reason, tc.says) {
				t.Errorf("decoder %v, want %q", m.Decoder(), tc.says)
			}
			decodeAll(t, m, units)
			var used []int
			for _, u := range units {
				w, err := m.DecodeToDevice(t.Context(), u.name)
				if err != nil {
					t.Fatal(err)
				}
				if len(used) == 0 || used[len(used)-1] != w.Device {
					used = append(used, w.Device)
				}
				if err := w.Release(0); err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(used, tc.used) {
				t.Errorf("devices %v, want %v", used, tc.used)
			}
		})
	}
}

// TestCUDASeeds decodes while the device does its work in many orders.
func TestCUDASeeds(t *testing.T) {
	bc := samples.Books()[3]
	var units []testUnit
	for i := range 6 {
		units = append(units, testUnit{name: fmt.Sprintf("u%d", i), book: bc.Book, weights: bc.Weights[7*i : 20_000-1000*i]})
	}
	eachCodec(t, "", bothCodecs(t, units...), func(t *testing.T, path string) {
		for seed := range 6 {
			for _, memory := range []int64{1, 1 << 30} {
				standin.Start(t, "device=80:64", fmt.Sprintf("seed=%d", seed))
				m := openCUDA(t, path, WithDecoder(CUDA), WithDeviceMemory(memory))
				var wg sync.WaitGroup
				for _, u := range units {
					for range 2 { // the same unit in both slots
						wg.Go(func() { decodeUnit(t, m, u) })
					}
					wg.Wait()
				}
				for _, u := range units {
					wg.Go(func() { decodeUnit(t, m, u) })
				}
				wg.Wait()
				decodeAll(t, m, units)
				closeModel(t, m)
			}
		}
	})
}

// TestCUDAFatbin must load machine code if there is some for the device, and else PTX.
func TestCUDAFatbin(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	// The driver expects a fatbin to have a header, and the length of the rest in it.
	const rest = "machine code for 8.0 and 8.6"
	fatbin := "\x50\xed\x55\xba\x01\x00\x10\x00" + string([]byte{byte(len(rest)), 0, 0, 0, 0, 0, 0, 0}) + rest
	standin.Provide(t, standin.Image{Code: fatbin, Source: anyBookSource,
		Facts: "isa 0\ntarget 80\ntarget 86\nentry decode_native_table 2048 256 8 8 8 8 8 8 4 4 4 4 4 8 8\n"})
	k := &Kernel{ABI: kernel.ABI, Name: "fat", Books: []*codebook.Book{units[1].book, units[2].book}, PTX: anyBook, Fatbin: fatbin, Launches: launch.OfAnyBook()[1:2]}
	for device, want := range map[string]string{"80": "from fatbin", "86": "from fatbin", "90": "from PTX"} {
		standin.Start(t, "device="+device+":256")
		m := openCUDA(t, path, WithDecoder(CUDA), WithKernel(k))
		if got := m.Decoder().Reason; !strings.Contains(got, want) || !strings.Contains(got, "kernel fat matches 2 code books") {
			t.Errorf("device of %s: %s, want %s", device, got, want)
		}
		decodeAll(t, m, units)
		closeModel(t, m)
	}
}

// TestCUDASharesModules opens two models at once.
func TestCUDASharesModules(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	d := standin.Start(t, "device=80:256")
	first, second := openCUDA(t, path, WithDecoder(CUDA)), openCUDA(t, path, WithDecoder(CUDA))
	if n := d.Count("modules"); n != 1 {
		t.Errorf("%d modules are loaded, want 1", n)
	}
	decodeAll(t, first, units)
	closeModel(t, first)
	decodeAll(t, second, units)
	closeModel(t, second)
}

func TestCUDACancelled(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	standin.Start(t, "device=80:256")
	m := openCUDA(t, path, WithDecoder(CUDA))
	defer closeModel(t, m)
	a, err := m.DecodeToDevice(t.Context(), "small")
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.DecodeToDevice(t.Context(), "layers.1")
	if err != nil {
		t.Fatal(err)
	}
	// No buffer is left: the third one waits.
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() {
		_, err := m.DecodeToDevice(ctx, "small")
		waiting <- err
	}()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for _, w := range []*DeviceWeights{a, b} {
		if err := w.Release(0); err != nil {
			t.Error(err)
		}
		if err := w.Release(0); err == nil {
			t.Error("released twice")
		}
	}
	decodeUnit(t, m, units[0])
}

func TestGPUs(t *testing.T) {
	standin.Start(t, "device=80:256", "device=35:64", "driver=12020")
	list, err := GPUs()
	if err != nil || len(list) != 2 {
		t.Fatalf("GPUs %v, error %v", list, err)
	}
	kernels := []string{
		"decode_tiles_table", "decode_native_table", "matvec_table",
		"decode_rans", "decode_rans_joint", "matvec_rans", "matvec_rans_joint", "matvec_rans_join",
	}
	want := GPU{0, "Stand-in 0", "8.0", 256 << 20, 256 << 20, "12.2", kernels, list[0].Reason}
	if !reflect.DeepEqual(list[0], want) || !strings.Contains(want.Reason, "from PTX") {
		t.Errorf("GPU %+v", list[0])
	}
	if len(list[1].Kernels) != 0 || !strings.Contains(list[1].Reason, "NO_BINARY_FOR_GPU") {
		t.Errorf("GPU %+v", list[1])
	}
}
