package rans_test

import (
	"fmt"

	"github.com/seed54244801/bespoke/rans"
)

// A matrix of four weights, coded and decoded.
func Example() {
	weights := []uint16{0x3f80, 0xbf00, 0x3f80, 0x3e99} // 1, -0.5, 1, 0.299
	counts := make([]uint64, rans.Exponent.Symbols())
	for _, w := range weights {
		counts[rans.Exponent.Symbol(w)]++
	}
	table, err := rans.NewTable(rans.Exponent, counts)
	if err != nil {
		panic(err)
	}
	stream, err := rans.Encode(rans.Exponent, table, weights, 1<<18)
	if err != nil {
		panic(err)
	}
	decoded, err := rans.Decode(stream)
	fmt.Printf("%#x %v\n", decoded, err)
	// Output: [0x3f80 0xbf00 0x3f80 0x3e99] <nil>
}
