// Package templates holds the GPU sources that the generator specialises to a model.
//
// The algorithm is ordinary device code in the .cuh files, which editors and compilers understand as
// they stand; decode.cu.tmpl adds the model's tables and constants and the kernel's entry. [Decode]
// is the typed parameter of that template and [Decode.Render] the function to call: it validates, puts the .cuh
// files below the header in the order of their includes and returns a source that stands alone.
//
// The sources need no CUDA header: they compile with nvcc, with NVRTC, with clang's NVPTX back end
// and no toolkit (-nocudainc -nocudalib), and, below a header that plays the part of CUDA, as C++17 on
// the host. The device code is cut for a model through one class parameter, Model, that
// decode.cu.tmpl declares:
//
//	books, table_bits, longest_code, levels   compile-time constants
//	book(b)                                   rows, first row and base of code book b
//	luts_word(i), table_entry(i)              the baked tables
//
// The layout of a multi-symbol table entry is stated in lookup.cuh; [Entry] packs one.
package templates
