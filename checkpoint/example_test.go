package checkpoint_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/checkpoint"
)

// A model, compressed and restored.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, df11 := context.Background(), filepath.Join(dir, "df11")
	c, err := checkpoint.Compress(ctx, "../testdata/shakespeare-llama", df11, checkpoint.CompressOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d weights in %d units: %d of %d bytes\n", c.CodedWeights, c.Units, c.Compressed, c.Original)
	if _, err := checkpoint.Decompress(ctx, df11, filepath.Join(dir, "restored"), checkpoint.DecompressOptions{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1048576 weights in 6 units: 1462150 of 2103608 bytes
}
