// Package standin is a CUDA driver without a GPU, for tests. Its library has the driver functions
// that package runtime uses and takes the place of libcuda.so.1:
//
//   - device memory is host memory between guard zones, which are checked at every synchronisation, at
//     addresses that host code cannot touch;
//   - kernels are the very sources of the GPU kernels, compiled for the host by package host;
//   - work on a stream runs when something waits for it, or at a random moment before, in any order
//     that streams and events allow: synchronisation that is missing shows as wrong weights;
//   - it fails on request, at any call of any function.
//
// What it cannot show: speed, and what a GPU's memory model allows beyond that.
//
// [Start] puts a driver in place for the time of a test and checks at its end that nothing is left: no memory, no
// stream, no event, no module, no context. It needs the build tag cuda, and g++.
package standin
