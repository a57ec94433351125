package avo_test

import (
	"bytes"
	"fmt"

	"github.com/seed54244801/bespoke/avo"
)

// Assemble a decoder of strands and a decoder of windows into one file.
func ExampleFile() {
	asm, err := avo.File("Decoders of any code book.", []string{"decodeStrands"}, []avo.Windows{avo.AnyWindows("decodeWindows")})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _, _ := bytes.Cut(asm, []byte("\n"))
	fmt.Printf("%s\n", first)
	fmt.Println(bytes.Count(asm, []byte("\nTEXT ")), "functions")
	// Output:
	// // Decoders of any code book.
	// 2 functions
}
