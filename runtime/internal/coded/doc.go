// Package coded has the arguments of package runtime's decoders on the CPU and on GPUs: a coded [Unit] of a
// checkpoint, the [Span] of it to decode, and a [Check] that compares the weights with the sums that the checkpoint
// has of them.
package coded
