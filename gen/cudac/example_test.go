package cudac_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
)

// The kernels for any code book as PTX, by the first compiler that the machine has.
func Example() {
	ctx := context.Background()
	compiler, err := cudac.Find(ctx)
	if err != nil {
		log.Fatal(err)
	}
	source, err := emit.CUDATable()
	if err != nil {
		log.Fatal(err)
	}
	ptx, err := compiler.PTX(ctx, source)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes by %s\n", len(ptx), compiler.Version())
}
