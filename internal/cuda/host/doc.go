// Package host runs CUDA kernels on the CPU, for tests: it compiles the very source that a CUDA
// compiler gets as C++17 and executes blocks one after another, the threads of a block as
// fibers that change places at barriers and warp shuffles.
//
// Start with [Compile] and hand its [Kernel] launches. What makes a mistake show:
//
//   - AddressSanitizer and UndefinedBehaviorSanitizer are on; every tensor, and the dynamic shared
//     memory, is a heap block of exactly its size, aligned or not as the launch asks;
//   - the order of blocks, and of the threads between two barriers, is random from the seed of the
//     launch: with a barrier missing, some seed reads what is not there yet;
//   - shared memory holds noise when a block starts, and the output a pattern when a launch starts;
//   - a barrier that not all threads reach is an error, and a kernel that does not end is killed.
//
// It knows the part of CUDA that the kernels of this module use. It says nothing about speed, about
// memory ordering within a warp, or about races between threads that no barrier order brings to light.
package host
