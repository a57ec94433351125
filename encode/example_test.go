package encode_test

import (
	"fmt"
	"log"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
)

// A unit of two tensors, as their bytes lie in a file.
func Example() {
	tensors := [][]byte{{0x00, 0x3c, 0x80, 0xbc}, {0x00, 0x3d, 0x12, 0x3c}}
	h := encode.Histogram(tensors, 0)
	book, err := codebook.Canonical(&h, codebook.TableBits)
	if err != nil {
		log.Fatal(err)
	}
	var e encode.Encoder
	stream, err := e.Encode(book, tensors)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stream.Elements(), "weights in", len(stream.Encoded), "byte of codes")
	// Output:
	// 4 weights in 1 byte of codes
}
