package runtime_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// Decode a checkpoint with one unit, without a generated kernel.
func Example() {
	path, remove := smallCheckpoint()
	defer remove()

	m, err := runtime.Open(path, runtime.WithDecoder(runtime.Generic))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Println(m.Decoder())
	for _, u := range m.Units() {
		weights := make([]uint16, u.Elements)
		if err := m.DecodeUnit(context.Background(), u.Name, weights); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %#04x\n", u.Name, weights)
	}
	// Output:
	// generic: forced by option
	// lm_head: [0x3c00 0xbc80 0x3d00 0x3c12]
}

// A program needs the units again and again. While it works on one, the next one is decoded.
func ExampleModel_DecodeUnits() {
	path, remove := smallCheckpoint()
	defer remove()

	m, err := runtime.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	tokens := 3
	layers := func(yield func(string) bool) {
		for range tokens {
			for _, u := range m.Units() {
				if !yield(u.Name) {
					return
				}
			}
		}
	}
	err = m.DecodeUnits(context.Background(), layers, 64<<20, func(u runtime.Unit, weights []uint16) error {
		fmt.Printf("%s: %d weights\n", u.Name, len(weights))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// lm_head: 4 weights
	// lm_head: 4 weights
	// lm_head: 4 weights
}

// Read a tensor as numbers, whether it is coded or not.
func ExampleModel_Tensor() {
	path, remove := smallCheckpoint()
	defer remove()

	m, err := runtime.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	for _, t := range m.Tensors() {
		values, err := m.Tensor(context.Background(), t.Name)
		if err != nil {
			log.Fatal(err)
		}
		numbers, err := values.Float32s()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(t.Name, t.DType, numbers)
	}
	// Output:
	// lm_head.weight BF16 [0.0078125 -0.015625 0.03125 0.008911133]
}

// smallCheckpoint writes a DF11 checkpoint of four weights.
func smallCheckpoint() (path string, remove func()) {
	weights := []uint16{0x3c00, 0xbc80, 0x3d00, 0x3c12}
	var h codebook.Histogram
	h.Count(weights)
	book, err := codebook.Canonical(&h, codebook.MaxLength)
	if err != nil {
		log.Fatal(err)
	}
	stream, err := codebook.Encode(book, weights)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(dir, "model.safetensors")
	if err := model.WriteFile(path, model.UnitEntries("lm_head", stream, nil), nil); err != nil {
		log.Fatal(err)
	}
	return path, func() { os.RemoveAll(dir) }
}
