// Package model reads and writes the files of a model: safetensors files, checkpoints in the layout of Hugging
// Face (one file, or shards with a weight map), and containers, whose weights are coded. It decides which weights are coded together,
// and describes in a sidecar how to get the original files back.
//
// Start with [Open] for a bf16 checkpoint, [NewPartition] for its units, [Write] with [UnitEntries] or [RANSEntry] for
// writing a container, [OpenContainer] for reading it, [Sidecar] for restoring.
//
// # Trust
//
// A model is something that was downloaded. Everything a file says is checked before it is used: sizes, products
// and sums that overflow, offsets that overlap or leave holes, names that appear twice, paths that leave the
// folder. Errors are reported with file, tensor and numbers, and never corrected. The codes of a stream are
// checked when it is decoded. The length and number of names and patterns are limited (budget.go), so that time
// and memory stay in proportion to the files.
//
// # Integrity
//
// A [TensorSum] differs if a tensor was changed by accident. Containers that this project writes have one for
// every tensor, stored or decoded. The sums are in the sidecar, and also in the metadata of each file ([Sums]),
// unless the files are to be those of the published encoder. [OpenContainer] checks the sidecar and the headers against
// sums of their own. The sums of tensors are left to those who read the tensors. [Container.FindMissing] looks for what
// a container without a sidecar has lost.
//
// # Memory
//
// Files are mapped, not read. Tensors are views of the mapping, and a checkpoint may be larger than the memory. A
// mapped file must not be changed while it is open. If it is cut short, or its disk fails, reading it raises a
// signal that ends the program. Under a [Guard] the reader gets a [*FaultError] instead.
//
// # Units
//
// A unit is what one DF11 stream covers: the weights of a module's submodules, joined in the order of an attribute
// list, or the one weight of a Linear or Embedding. A pattern_dict maps regular expressions to attribute lists. An
// expression must match a module's whole name. Python programs write these expressions. Those with lookaround or
// backreferences cannot be compiled here and are refused.
//
// Weights stay raw if DF11 or the published loader could not give them back. That is the case for other types than
// BF16, for other shapes than those of Linear and Embedding, for embeddings tied to an output head, and for
// exponents from 240 on. The caller finds such exponents, and reports them with [Partition.Drop].
//
// # Sources
//
// The safetensors format is that of the reference implementation 0.6; DF11 is that of the package
// dfloat11 0.5.0, whose readable versions go back to 0.2.
package model
