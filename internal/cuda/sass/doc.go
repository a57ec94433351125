// Package sass counts the machine instructions that a warp issues on the straight path of a kernel, from
// what nvdisasm prints.
//
// # The straight path
//
// It is what a warp runs in a chunk of trained weights, in the middle of a unit: the code book is the
// first one, every tensor is aligned, lookups alone decode every window. Every instruction on it counts
// as one, those that a predicate turns off too, as they are issued all the same.
//
// In our kernels everything else begins with a mark, an instruction that does nothing and is there in
// the build that is counted alone. [Kernel.Longest] is the longest way from the entry to the end that meets no
// mark: so what is not marked counts, and a loop that is not marked is an error. Code for one warp of a
// block begins with another mark and counts with its share. The assembler turns short marked code into
// instructions under a predicate, which are issued whether or not it is on: they count, and their mark says
// nothing.
//
// Kernels that decode by tiles have a loop over those of a warp. What a warp does before, whatever their number, is not
// counted: a mark of its own begins the straight path where the loop does. The kernel that multiplies has loops over
// vectors and parts of rows in it, each of which runs once where there is one vector; [Kernel.Once] stands for that.
//
// The published kernel, which has no marks, runs loops. [Kernel.Shortest] is the shortest way through all of
// them, each with the number of turns that its description gives: the longer codes, the ends of the
// stream and the like are left out in its favour.
package sass
