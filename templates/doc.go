// Package templates holds the GPU sources that the generator specialises to a model.
//
// The algorithm is ordinary device code in the .cuh files, which editors and compilers understand as
// they stand. decode.cu.tmpl puts the model before it, codes and a few constants: all that differs between two models'
// sources. build.cuh makes the luts tensors and tables of it, as constexpr functions, model.cuh holds their checksums to
// those that the generator made, and entries.cuh has the kernels' entries. table.cu.tmpl has the entries that are
// handed a table instead. [Decode] and [Table] are the typed parameters of the templates, and their Render the
// function to call: it validates, puts the .cuh files below the header in the order of their includes and returns a
// source that stands alone.
//
// The sources need no CUDA header: they compile with nvcc, with NVRTC, with clang's NVPTX back end
// and no toolkit (-nocudainc -nocudalib), and, below a header that plays the part of CUDA, as C++17 on
// the host. The device code knows the model through one class parameter, Model, that model.cuh and table.cu.tmpl declare:
//
//	threads, table_bits, entry_digits, lookups,  compile-time constants, see [Shape]
//	merge_steps, lane_lookups
//	most_rows                                    the largest number of rows of a book's luts
//	number(unit)                                 the book that may have these luts
//	book(b)                                      rows, first row, base and pad of code book b
//	luts(i), table(i)                            the luts of the books and their tables, from word i on
//
// decode.cuh is the body of the entries over windows, decode_tiles.cuh and matvec.cuh of those by the tile
// index: tiles.cuh reads any tile code by code, lanes.cuh nearly all of them by table, by way of what tile_memory.cuh
// has in shared memory, and product_slow.cuh multiplies with what only the former can read.
//
// The layout of a multi-symbol table entry is stated in table.cuh; package internal/cuda/launch makes tables.
package templates
