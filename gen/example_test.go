package gen_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/gen"
)

// The package of a model, in memory and without a CUDA compiler.
func Example() {
	ctx := context.Background()
	a, err := checkpoint.Analyse(ctx, "../testdata/shakespeare-llama", checkpoint.AnalyseOptions{})
	if err != nil {
		log.Fatal(err)
	}
	p, err := gen.NewPackage(a, "shakespeare", gen.PackageOptions{})
	if err != nil {
		log.Fatal(err)
	}
	r, err := gen.Generate(ctx, p, gen.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range r.Files {
		fmt.Println(f.Name)
	}
	// Output:
	// decode.cu
	// decode_amd64.go
	// decode_amd64.s
	// decode_noasm.go
	// manifest.json
	// shakespeare.go
	// shakespeare_test.go
}
