// Package gpu is what package runtime needs of CUDA: devices, memory, streams and kernels, by way of
// gorgonia.org/cu. It only exists in builds with the tag cuda.
//
//   - A [Device] is a GPU with its primary context, which it shares with every other user of CUDA in the
//     process. Modules stay loaded while the device is open.
//   - A [Tensors] is a compressed unit in device memory.
//   - A [Slot] decodes: it has a buffer for the weights of one unit, a stream of its own, and pinned
//     memory through which all copies go.
//
// Every error is an [*Error] that says what was being done, and on which device.
package gpu
