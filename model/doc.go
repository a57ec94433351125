// Package model reads and writes the files of a model: safetensors files, checkpoints in the layout
// of Hugging Face (one file, or shards with an index), and DF11 checkpoints. It decides which weights
// are coded together, and describes in a sidecar how to get the original files back.
//
// Start with [Open] for a bf16 checkpoint, [NewPartition] for its units, [Write] and [UnitEntries] for
// writing DF11, [OpenDF11] for reading it, [Sidecar] for restoring.
//
// # Trust
//
// A model is something that was downloaded. Everything a file says is checked before it is used:
// sizes, products and sums that overflow, offsets that overlap or leave holes, names that appear
// twice, paths that leave the folder. What is wrong is reported with file, tensor and numbers, never
// mended. What the codes of a stream say is checked by whoever decodes it. Names, patterns and their number are
// limited (budget.go), so that time and memory stay in proportion to the files.
//
// # Integrity
//
// A [TensorSum] tells a tensor from any other that comes about by accident. Containers that this project writes have
// one for every tensor, stored or decoded, in the sidecar and in the metadata of each file ([Sums]), unless the files
// are to be those of the published encoder. [OpenDF11] checks the sidecar and the headers against sums of their own,
// and leaves those of tensors to whoever reads them.
// [DF11.FindMissing] looks for what a container without a sidecar has lost.
//
// # Memory
//
// Files are mapped, not read: tensors are views of the mapping, and a checkpoint larger than the
// memory works. A mapped file must not be changed while it is open. Where it is cut short, or its disk
// fails, whoever reads it meets a signal that ends the program, or under a [Guard] gets a [*FaultError].
//
// # Units
//
// A unit is what one DF11 stream covers: the weights of a module's submodules, joined in the order
// of an attribute list, or the one weight of a Linear or Embedding. A pattern_dict maps regular
// expressions, which must match a module's whole name, to attribute lists. They are written by
// Python programs; those with lookaround or backreferences cannot be compiled here and are refused.
//
// Weights stay raw when DF11 or the published loader could not give them back: other types than
// BF16, other shapes than those of Linear and Embedding, embeddings tied to an output head, and
// exponents from 240 on, which the caller finds and reports with [Partition.Drop].
//
// # Sources
//
// The safetensors format is that of the reference implementation 0.6; DF11 is that of the package
// dfloat11 0.5.0, whose readable versions go back to 0.2.
package model
