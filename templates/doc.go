// Package templates holds the GPU sources that the generator specialises to a model.
//
// The algorithm is ordinary device code in the .cuh files, which editors and compilers understand as they are.
// decode.cu.tmpl puts the model before it: its codes and a few constants. Nothing else differs between the sources
// of two models. build.cuh makes the luts tensors and tables from the codes, by constexpr functions. model.cuh
// compares their checksums with those that the generator made. entries.cuh has the entries of the kernels.
// table.cu.tmpl has the entries that are handed a table instead. [Decode] and [Table] are the typed parameters of
// the templates. Their Render is the function to call: it validates, puts the .cuh files below the header in the
// order of their includes, and returns a source that stands alone.
//
// The sources need no CUDA header. They compile with nvcc, with NVRTC, with clang's NVPTX back end and no toolkit
// (-nocudainc -nocudalib), and as C++17 on the host, below a header that plays the part of CUDA. The device code
// knows the model through one class parameter, Model, which model.cuh and table.cu.tmpl declare:
//
//	threads, table_bits, entry_digits, lookups,  compile-time constants, see [Shape]
//	merge_steps, lane_lookups
//	most_rows                                    the largest number of rows of a book's luts
//	number(unit)                                 the book that may have these luts
//	book(b)                                      rows, first row, base and pad of code book b
//	luts(i), table(i)                            the luts of the books and their tables, from word i on
//
// decode.cuh is the body of the entries by windows, decode_tiles.cuh and matvec.cuh are those of the entries by
// tiles. tiles.cuh reads any tile code by code. lanes.cuh reads nearly all tiles by table, with the shared memory
// of tile_memory.cuh. product_slow.cuh multiplies with the tiles that only tiles.cuh can read.
//
// rans.cu.tmpl has the kernels for matrices of package rans, which are cut for no model; [Rans] is its parameter.
// rans.cuh has the matrices and the lookup, rans_plane.cuh the two forms, rans_split.cuh the way through a split.
// decode_rans.cuh writes weights, matvec_rans.cuh multiplies.
//
// table.cuh states the layout of an entry of a multi-symbol table; package internal/cuda/launch makes such tables.
package templates
