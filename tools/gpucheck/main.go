//go:build cuda

// Gpucheck is make gpu-check. It decodes with every kernel on every GPU of the machine and compares the weights
// bit for bit. It times the kernels against a copy within device memory, a plain matrix-vector product and the
// published kernel.
//
//	gpucheck [-weights N] [-published decode.ptx] [-o docs/GPU.md] [-quick]
//
// Times are those of the GPU's own events. They are written, with the other results, to a page that names the GPU.
// The exit status is 1 if a weight is wrong, and 3 if there is no GPU.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
)

// Exit statuses.
const (
	exitWrong = 1
	exitNoGPU = 3
)

type config struct {
	weights   int    // of the large unit
	published string // a file, "" for none
	page      string // a file, "" for none
	quick     bool   // time nothing
}

func main() {
	var c config
	flag.IntVar(&c.weights, "weights", 64<<20, "weights of the large unit")
	flag.StringVar(&c.published, "published", "", "PTX of the published kernel, to time ours against")
	flag.StringVar(&c.page, "o", "", "page to write")
	flag.BoolVar(&c.quick, "quick", false, "check only, as a sanitizer runs it")
	flag.Parse()
	os.Exit(run(c, os.Stdout, os.Stderr))
}

// run returns the exit status.
func run(c config, stdout, stderr io.Writer) int {
	if missing := driver.Missing(); missing != "" {
		fmt.Fprintf(stderr, "gpu-check: %s\n", missing)
		return exitNoGPU
	}
	list, err := gpu.List()
	if err != nil {
		fmt.Fprintf(stderr, "gpu-check: %v\n", err)
		return exitWrong
	}
	if len(list) == 0 {
		fmt.Fprintln(stderr, "gpu-check: the driver finds no GPU")
		return exitNoGPU
	}
	var page page
	for _, info := range list {
		d, err := checkDevice(c, info, stdout)
		if err != nil {
			fmt.Fprintf(stderr, "gpu-check: %v: %v\n", info, err)
			return exitWrong
		}
		page.Devices = append(page.Devices, d)
	}
	if c.quick {
		return 0
	}
	if err := page.print(stdout); err != nil {
		fmt.Fprintf(stderr, "gpu-check: %v\n", err)
		return exitWrong
	}
	if c.page != "" && page.timed() {
		if err := page.write(c.page); err != nil {
			fmt.Fprintf(stderr, "gpu-check: %v\n", err)
			return exitWrong
		}
	}
	return 0
}
