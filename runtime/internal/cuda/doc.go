// Package cuda is how package runtime decodes on GPUs. Package runtime opens [GPUs] with a [Config] and hands them units,
// or parts of units; everything else is in here:
//
//   - cuda.go: what package runtime gives and gets, in all builds;
//   - open.go: which GPUs are opened; place.go: which unit goes where;
//   - program.go: the kernels that they run, those of a generated package or those that take any code book, anybook.cu;
//   - device.go: one GPU with its buffers, which units are resident, and what gives way where memory is short;
//   - decode.go: decoding to the host and to device memory, and what becomes of errors;
//   - matrix.go: products with a matrix that stays compressed;
//   - list.go: what GPUs there are;
//   - none.go: builds without the tag cuda, where there are none.
//
// Below it are the packages of internal/cuda: gpu with memory, streams and launches, launch with what kernels take, driver
// with the way to NVIDIA's library.
package cuda
