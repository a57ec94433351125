// Package sass counts the machine instructions that a warp issues on the straight path of a kernel, from the
// output of nvdisasm.
//
// # The straight path
//
// The straight path is what a warp runs in a chunk of trained weights, in the middle of a unit: the code book is
// the first one, every tensor is aligned, and lookups alone decode every window. Every instruction on it counts as
// one. Instructions that a predicate turns off count, too, because they are issued all the same.
//
// In our kernels everything else begins with a mark: an instruction that does nothing, and that only the build for
// counting has. [Kernel.Longest] is the longest way from the entry to the end that meets no mark. So code without
// a mark counts, and a loop without a mark is an error. Code for one warp of a thread block begins with another
// mark and counts with its share. The assembler turns short marked code into instructions under a predicate, which
// are issued whether or not the predicate holds. They count, and their mark means nothing.
//
// Kernels by tiles have a loop over the tiles of a warp. What a warp does before the loop is not counted, whatever
// the number of tiles: a mark of its own begins the straight path at the loop. The kernel that multiplies has
// loops over vectors and parts of rows in it. With one vector, each of them runs once; [Kernel.Once] stands for
// that.
//
// Kernels of package rans have a loop over the steps of a split, and nothing else counts: [Kernel.Turn] is the longest way
// once through it, from the mark at its start on.
//
// The published kernel has no marks, and runs loops. [Kernel.Shortest] is the shortest way through all of them,
// each with the number of turns that its description gives. Longer codes, the ends of the stream and the like are
// left out in its favour.
package sass
