//go:build cuda

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/out/shakespeare"
	"github.com/seed54244801/bespoke/out/tinyllama"
	"github.com/seed54244801/bespoke/runtime"
)

// vectors is a checkpoint that the published encoder wrote.
const vectors = "model/testdata/tiny-llama/df11"

// anyBook has the kernels for any code book.
const anyBook = "runtime/internal/cuda/anybook.ptx"

// A source is a set of kernels, with the code books to check them with.
type source struct {
	name     string
	images   []gpu.Image
	launches []launch.Launch
	books    []*codebook.Book
}

// sources lists the generated packages, the kernels for any code book and, unless published is "", the published
// kernel in that file.
func sources(published string) ([]source, error) {
	var all []source
	var books []*codebook.Book
	for _, k := range []*runtime.Kernel{shakespeare.Kernel(), tinyllama.Kernel()} {
		s := source{name: k.Name, launches: k.Launches, books: k.Books}
		if k.Fatbin != "" {
			s.images = append(s.images, gpu.Image{Form: "fatbin", Code: k.Fatbin})
		}
		if k.PTX != "" {
			s.images = append(s.images, gpu.Image{Form: "PTX", Code: k.PTX})
		}
		all = append(all, s)
		books = append(books, k.Books[0])
	}
	s, err := fromPTX("any code book", anyBook, launch.OfAnyBook(), books)
	if err != nil {
		return nil, err
	}
	all = append(all, *s)
	if published != "" {
		s, err := fromPTX("published", published, []launch.Launch{{Entry: "decode", Threads: codebook.ChunkWindows}}, books)
		if err != nil {
			return nil, err
		}
		all = append(all, *s)
	}
	return all, nil
}

// fromPTX reads a file of kernels.
func fromPTX(name, path string, launches []launch.Launch, books []*codebook.Book) (*source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &source{name, []gpu.Image{{Form: "PTX", Code: string(text)}}, launches, books}, nil
}

// A unit is a stream with both indices, and the weights that it holds.
type unit struct {
	name    string
	stream  *codebook.Stream
	weights []uint16
}

// layout lays a unit out for a kernel.
func (u *unit) layout(number int, l *launch.Launch) (*gpu.Layout, error) {
	var table []byte
	if l.Table {
		var err error
		if table, err = launch.TableArgument(u.stream.Luts); err != nil {
			return nil, err
		}
	}
	layout := gpu.NewLayout(u.name, number, u.stream, l, table)
	layout.Multiplies = l
	return layout, nil
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
	stream, err := codebook.EncodeIndexed(b, weights, codebook.IndexBoth)
	return &unit{fmt.Sprintf("%d weights", n), stream, weights}, err
}

// sizes are numbers of weights around the ends of windows, chunks and copies.
var sizes = []int{1, 2, 3, 7, 8, 9, 31, 64, 100, 300, 6000, 12_500, 50_000, 400_001}

// vectorUnits returns the units of the published vectors, decoded by the reference. A tile index is added to them.
func vectorUnits(repository string) (units []*unit, closeFile func() error, err error) {
	d, err := model.OpenContainer(filepath.Join(repository, vectors))
	if err != nil {
		return nil, nil, err
	}
	for _, u := range d.Units {
		stream := u.Stream
		weights := make([]uint16, stream.Elements())
		if err := codebook.Decode(weights, &stream); err != nil {
			return nil, nil, errors.Join(err, d.Close())
		}
		book, err := codebook.ParseLuts(stream.Luts)
		if err != nil {
			return nil, nil, errors.Join(err, d.Close())
		}
		stream.Tiles = codebook.EncodeTiles(book, weights)
		units = append(units, &unit{u.Name, &stream, weights})
	}
	return units, d.Close, nil
}
