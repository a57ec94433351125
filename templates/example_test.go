package templates_test

import (
	"bytes"
	"fmt"

	"github.com/seed54244801/bespoke/templates"
)

// The kernels that take any code book, in one source without includes.
func ExampleTable_Render() {
	t := &templates.Table{
		Header: "Kernels for any code book.",
		Shape:  templates.Shape{TableBits: 11, EntryDigits: 5, Lookups: 7, Windows: 2, MergeSteps: 3, LaneLookups: 18},
	}
	source, err := t.Render()
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _, _ := bytes.Cut(source, []byte("\n"))
	fmt.Printf("%s\n%v\n", first, bytes.Contains(source, []byte("decode_native_table(")))
	// Output:
	// // Kernels for any code book.
	// true
}
