// Package gpu is what package runtime needs of CUDA: devices, memory, streams and kernels, by way of
// gorgonia.org/cu. It only exists in builds with the tag cuda.
//
//   - A [Device] is a GPU with its primary context, which it shares with every other user of CUDA in the
//     process. Modules stay loaded while the device is open.
//   - A [Unit] says where the tensors of a compressed unit lie in device memory, and what the arguments of
//     the kernels that read them are: a [Layout] with DF11, a [RansLayout] with rANS.
//   - A [Slot] decodes: it has a buffer for the weights of one unit, a stream of its own, and pinned
//     memory through which all copies go.
//   - A [Product] multiplies with a compressed unit, on a stream of whoever wants it. With rANS it takes [Parts].
//
// Every error is an [*Error] that says what was being done, and on which device, but for those of a mapped file that
// cannot be read: those are of package fault.
package gpu
