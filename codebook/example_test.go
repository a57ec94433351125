package codebook_test

import (
	"fmt"
	"log"

	"github.com/seed54244801/bespoke/codebook"
)

// Weights to a code for their exponents, to a stream, and back.
func Example() {
	weights := []uint16{0x3c00, 0xbc80, 0x3d00, 0x3c12, 0x3c7f, 0x3e01}
	var h codebook.Histogram
	h.Count(weights)
	book, err := codebook.Canonical(&h, codebook.TableBits)
	if err != nil {
		log.Fatal(err)
	}
	for _, exponent := range book.Symbols() {
		fmt.Println(exponent, book.Code(exponent))
	}
	stream, err := codebook.Encode(book, weights)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("codes %08b, signs and mantissas %02x\n", stream.Encoded, stream.SignMantissa)
	decoded := make([]uint16, stream.Elements())
	if err := codebook.Decode(decoded, stream); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%#04x\n", decoded)
	// Output:
	// 120 0
	// 121 100
	// 122 101
	// 124 110
	// codes [01001010 01101110], signs and mantissas 008000127f01
	// [0x3c00 0xbc80 0x3d00 0x3c12 0x3c7f 0x3e01]
}
