package rans_test

import (
	"fmt"
	"log"

	encode "github.com/seed54244801/bespoke/encode/rans"
	"github.com/seed54244801/bespoke/rans"
)

// A matrix, as its bytes lie in a file.
func Example() {
	weights := []byte{0x00, 0x3c, 0x80, 0xbc, 0x00, 0x3d, 0x12, 0x3c}
	table, err := rans.NewTable(rans.Exponent, encode.Histogram(rans.Exponent, [][]byte{weights}, 0))
	if err != nil {
		log.Fatal(err)
	}
	encoder, err := encode.New(rans.Exponent, table)
	if err != nil {
		log.Fatal(err)
	}
	stream, err := encoder.Encode(nil, weights, 1<<18, 0)
	if err != nil {
		log.Fatal(err)
	}
	decoded, err := rans.Decode(stream)
	fmt.Printf("%d block, %#x %v\n", stream.Len(), decoded, err)
	// Output:
	// 1 block, [0x3c00 0xbc80 0x3d00 0x3c12] <nil>
}
