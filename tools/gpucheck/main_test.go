//go:build cuda

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/out/shakespeare"
	"github.com/seed54244801/bespoke/out/tinyllama"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil { // make runs it there
		panic(err)
	}
	source, err := os.ReadFile("tools/gpucheck/gemv.cu")
	if err != nil {
		panic(err)
	}
	images := []standin.Image{{Code: gemvPTX, Source: string(source)}}
	for _, ptx := range []string{anyBook, ransPTX} {
		var image standin.Image
		for name, text := range map[string]*string{ptx: &image.Code, strings.TrimSuffix(ptx, ".ptx") + ".cu": &image.Source} {
			data, err := os.ReadFile(name)
			if err != nil {
				panic(err)
			}
			*text = string(data)
		}
		images = append(images, image)
	}
	for _, k := range []*runtime.Kernel{shakespeare.Kernel(), tinyllama.Kernel()} {
		images = append(images, standin.Image{Code: k.PTX, Source: k.CUDA})
	}
	os.Exit(standin.Run(m, images))
}

// TestRun checks a device that is not a GPU: its weights count, its times do not.
func TestRun(t *testing.T) {
	for _, tc := range []struct {
		name   string
		driver []string
		status int
		out    []string
		err    string
	}{
		{"checked", []string{"device=80:256"}, 0, []string{
			"any code book, kernel matvec_table from PTX: 122 products, every one is right\n",
			"rANS, kernel decode_rans_joint from PTX: 2 units, every weight is right\n",
			"rANS, kernel matvec_rans from PTX: 21 products, every one is right\n",
		}, ""},
		{"no GPU", nil, exitNoGPU, nil, "gpu-check: the driver finds no GPU"},
		{"no memory", []string{"device=80:1"}, exitWrong, nil, "CUDA_ERROR_OUT_OF_MEMORY (2)"},
		{"fault", []string{"device=80:256", "fault=9:719"}, exitWrong, nil, "CUDA_ERROR_LAUNCH_FAILED (719)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			standin.Start(t, tc.driver...)
			var stdout, stderr bytes.Buffer
			page := filepath.Join(t.TempDir(), "GPU.md")
			status := run(config{weights: 100_000, page: page, published: "out/tinyllama/decode.ptx"}, &stdout, &stderr)
			if status != tc.status || !strings.Contains(stderr.String(), tc.err) {
				t.Errorf("status %d, stderr %q", status, &stderr)
			}
			for _, want := range tc.out {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("stdout %q, want %q", &stdout, want)
				}
			}
			if _, err := os.Stat(page); err == nil {
				t.Error("wrote a page about a GPU that is none")
			}
		})
	}
}

// TestTimes runs the code that takes times, whatever they are.
func TestTimes(t *testing.T) {
	standin.Start(t, "device=80:256")
	list, err := gpu.List()
	if err != nil {
		t.Fatal(err)
	}
	d, err := gpu.Open(list[0])
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	slot, err := d.NewSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer slot.Close()
	if rate, err := timeCopy(slot, 1<<20); err != nil || rate <= 0 {
		t.Errorf("%v bytes a second, error %v", rate, err)
	}
	all, err := sources("")
	if err != nil {
		t.Fatal(err)
	}
	s := all[0]
	var units []*unit
	for _, n := range []int{100, 2*gemvColumns + 5} {
		u, err := drawn(s.books[0], n)
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, u)
	}
	module, err := d.Load(s.images)
	if err != nil {
		t.Fatal(err)
	}
	var found device
	for i := range s.launches {
		var r result
		if err := found.checkEntry(&r, slot, module, &s.launches[i], units, true); err != nil || r.Time <= 0 {
			t.Errorf("kernel %s: %v, error %v", s.launches[i].Entry, r.Time, err)
		}
	}
	if len(found.Results) != 3 || len(found.Products) != 1 || found.Plain <= 0 {
		t.Errorf("found %+v", found)
	}
	decode, err := module.Kernel(&s.launches[0])
	if err != nil {
		t.Fatal(err)
	}
	multiply, err := module.Kernel(&s.launches[2])
	if err != nil {
		t.Fatal(err)
	}
	u := units[1]
	if err := checkUnit(slot, decode, 0, u); err != nil {
		t.Fatal(err)
	}
	u.weights[50] ^= 1
	if err := checkUnit(slot, decode, 0, u); err == nil || err.Error() != "weight 50 of 16389 is wrong" {
		t.Errorf("error %v", err)
	}
	for i := range gemvColumns {
		u.weights[gemvColumns+i] |= 0x8000
	}
	if _, _, err := timeGEMV(slot, u.weights, true); err == nil || !strings.Contains(err.Error(), "row 1 of the matrix-vector product is ") {
		t.Errorf("error %v", err)
	}
	if err := checkProduct(slot, multiply, 0, u, product{0, gemvColumns, 1}, 2); err == nil || !strings.Contains(err.Error(), "row 1, vector 0: ") {
		t.Errorf("error %v", err)
	}
	u.stream.Encoded = slices.Repeat([]byte{0xff}, len(u.stream.Encoded))
	if err := checkUnit(slot, decode, 0, u); err == nil || !strings.Contains(err.Error(), "unit 0, tile ") {
		t.Errorf("error %v", err)
	}
	if err := checkProduct(slot, multiply, 0, u, product{0, gemvColumns, 1}, 2); err == nil || !strings.Contains(err.Error(), "unit 0, tile ") {
		t.Errorf("error %v", err)
	}
}

// TestRans checks and times kernels for rANS, and finds weights, products and streams that are wrong.
func TestRans(t *testing.T) {
	standin.Start(t, "device=80:256")
	list, err := gpu.List()
	if err != nil {
		t.Fatal(err)
	}
	d, err := gpu.Open(list[0])
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	slot, err := d.NewSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer slot.Close()
	var found device
	if err := found.checkRans(config{weights: 10_000}, slot, true, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, r := range append(found.Results, found.Products...) {
		if r.Time <= 0 || r.Weights != gemvColumns {
			t.Errorf("kernel %s: %v for %d weights", r.Entry, r.Time, r.Weights)
		}
	}
	kernels, parts, err := ransKernels(d)
	if err != nil {
		t.Fatal(err)
	}
	defer parts.Close(d)
	check := func(change func(u *ransUnit)) error {
		u, err := newRansUnit(rans.Exponent, [2]int{4, 64})
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.check(new(result), new(result), slot, kernels, parts)
	}
	if err := check(func(u *ransUnit) { u.weights[50] ^= 1 }); err == nil || err.Error() != "weight 50 of 256 is wrong" {
		t.Errorf("error %v", err)
	}
	if err := check(func(u *ransUnit) { clear(u.splits[0].States) }); err == nil || !strings.Contains(err.Error(), `kernel decode_rans: tensor "4 × 64", split 0: a state is too small`) {
		t.Errorf("error %v", err)
	}
	if len(found.Results) != 2 || len(found.Products) != 2 {
		t.Errorf("found %+v", found)
	}
}

// TestPage writes the page of made-up figures.
func TestPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "GPU.md")
	p := page{Devices: []*device{{Info: gpu.Info{Name: "Some GPU", Capability: 90, Memory: 1 << 30}, Driver: "12.4", Copy: 3e12, Plain: 5e11,
		Results:  []*result{{Kernels: "tinyllama", Entry: "decode", Form: "PTX", Cases: 7, Weights: 64 << 20, Bytes: 224 << 20, Time: 1e5}},
		Products: []*result{{Kernels: "tinyllama", Entry: "matvec", Form: "PTX", Cases: 9, Weights: 64 << 20, Time: 1e5}}}}}
	if err := p.write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := p.print(&printed); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"reads 500.0·10⁹ weights a second",
		"| tinyllama | `decode` | PTX | 67108864 | 7 | 671.1 | 0.78 |\n",
		"| tinyllama | `matvec` | PTX | 67108864 | 9 | 671.1 | 1.34 |\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	for _, want := range []string{"decode  PTX        671.1     0.78\n", "matvec  PTX        671.1      1.34\n"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("%q is not printed:\n%s", want, &printed)
		}
	}
}
