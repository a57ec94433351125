//go:build cuda

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/gpu"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/out/shakespeare"
	"github.com/seed54244801/bespoke/out/tinyllama"
	"github.com/seed54244801/bespoke/runtime"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// vectors is a checkpoint that the published encoder wrote.
const vectors = "model/testdata/tiny-llama/df11"

// A source is a set of kernels, and the code books to check them with.
type source struct {
	name   string
	images []gpu.Image
	books  []*codebook.Book
}

// sources lists the generated packages.
func sources() []source {
	var all []source
	for _, k := range []*runtime.Kernel{shakespeare.Kernel(), tinyllama.Kernel()} {
		s := source{name: k.Name, books: k.Books}
		if k.Fatbin != "" {
			s.images = append(s.images, gpu.Image{Form: "fatbin", Code: k.Fatbin, Launches: k.Launches})
		}
		if k.PTX != "" {
			s.images = append(s.images, gpu.Image{Form: "PTX", Code: k.PTX, Launches: k.Launches})
		}
		all = append(all, s)
	}
	return all
}

// published reads the published kernel, which takes any code book.
func published(path string) (*source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	launches := []kernel.CUDALaunch{{Entry: "decode", Threads: codebook.ChunkWindows}}
	return &source{name: "published", images: []gpu.Image{{Form: "PTX", Code: string(text), Launches: launches}}}, nil
}

// A unit is a stream and the weights that it holds.
type unit struct {
	name    string
	stream  *codebook.Stream
	weights []uint16
}

// drawn returns a unit of n weights, with the exponents that a code book expects.
func drawn(b *codebook.Book, n int) (*unit, error) {
	r := rand.New(rand.NewPCG(uint64(n), 11))
	weights := make([]uint16, n)
	for i := range weights {
		symbol, length := b.Decode(r.Uint32())
		for length == 0 {
			symbol, length = b.Decode(r.Uint32())
		}
		weights[i] = codebook.Join(symbol, uint8(r.Uint32()))
	}
	stream, err := codebook.Encode(b, weights)
	return &unit{fmt.Sprintf("%d weights", n), stream, weights}, err
}

// sizes are numbers of weights around the ends of windows, chunks and copies.
var sizes = []int{1, 2, 3, 7, 8, 9, 31, 64, 100, 300, 6000, 12_500, 50_000, 400_001}

// vectorUnits returns the units of the published vectors, decoded by the reference.
func vectorUnits(repository string) (units []*unit, closeFile func() error, err error) {
	d, err := model.OpenDF11(filepath.Join(repository, vectors))
	if err != nil {
		return nil, nil, err
	}
	for _, u := range d.Units {
		stream := u.Stream
		weights := make([]uint16, stream.Elements())
		if err := codebook.Decode(weights, &stream); err != nil {
			return nil, nil, err
		}
		units = append(units, &unit{u.Name, &stream, weights})
	}
	return units, d.Close, nil
}
