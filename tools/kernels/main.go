// Command kernels compiles the CUDA kernels of a generated package for every architecture that the assembler
// knows. It writes docs/KERNELS.md: the resources that the kernels take, and how many instructions a weight they
// run.
//
//	go run ./tools/kernels [-o docs/KERNELS.md] [-nvdisasm FILE] [-published decode.ptx] out/shakespeare
//
// It needs a CUDA compiler and ptxas, where package cudac finds them. Without nvdisasm instructions are not
// counted; without -published the published kernel is missing. The command fails if a kernel spills registers.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/gen"
	"github.com/seed54244801/bespoke/templates"
)

func main() {
	out := flag.String("o", "", "write the page to this `FILE`, not to standard output")
	disassembler := flag.String("nvdisasm", "nvdisasm", "the disassembler")
	published := flag.String("published", "", "the published kernel's PTX")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), *disassembler, *published, *out); err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, folder, disassembler, published, out string) error {
	m, err := readManifest(folder)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, disassembler, m)
	if err != nil {
		return err
	}
	source, err := os.ReadFile(filepath.Join(folder, "decode.cu"))
	if err != nil {
		return err
	}
	p := &page{Model: filepath.Base(folder), Symbols: m.symbols()}
	if err := b.ours(ctx, p, source); err != nil {
		return err
	}
	if err := b.rans(ctx, p); err != nil {
		return err
	}
	if published != "" {
		if err := b.published(ctx, p, published); err != nil {
			return err
		}
	}
	p.Tools = b.tools()
	text := p.render()
	if out == "" {
		_, err = os.Stdout.WriteString(text)
		return err
	}
	return os.WriteFile(out, []byte(text), 0o666)
}

// A manifest is what is known of the package. It is a part of gen.Manifest.
type manifest struct {
	Weights  uint64          `json:"weights"`
	Expected codebook.Size   `json:"expected_size"`
	CUDA     templates.Shape `json:"cuda"`
}

func readManifest(folder string) (*manifest, error) {
	text, err := os.ReadFile(filepath.Join(folder, gen.ManifestName))
	if err != nil {
		return nil, err
	}
	m := new(manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	if m.Weights == 0 || m.Expected.Stream == 0 || m.CUDA.Validate() != nil {
		return nil, fmt.Errorf("%s: its manifest has no sizes: %.200s", folder, strings.TrimSpace(string(text)))
	}
	return m, nil
}

// symbols returns the average number of codes that start in a window.
func (m *manifest) symbols() float64 {
	return codebook.WindowBits * float64(m.Weights) / (8 * float64(m.Expected.Stream))
}
