// Package cuda decodes on GPUs for package runtime. Package runtime opens [GPUs] with a [Config], and asks them to
// decode units or parts of units:
//
//   - cuda.go: the types that package runtime uses, in all builds;
//   - open.go: which GPUs are opened;
//   - place.go: which unit goes to which GPU;
//   - program.go: the kernels that GPUs run, from a generated package, from anybook.cu, which takes any code book, or from
//     rans.cu, for rANS;
//   - device.go: one GPU with its buffers, which units are resident, and what is freed if memory is short;
//   - decode.go: decoding to the host and to device memory, and what follows from errors;
//   - matrix.go: products with a matrix that stays compressed;
//   - list.go: the GPUs of this machine;
//   - none.go: builds without the tag cuda, which have no GPUs.
//
// It uses the packages of internal/cuda: gpu for memory, streams and launches, launch for the parameters of
// kernels, and driver for NVIDIA's library.
package cuda
