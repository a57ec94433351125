package kernel

// ABI is the version of the contract between generated decoders and package runtime. The contract is the layout of
// a job and of its tables, and the way in which kernels are launched. Every change of it raises the version.
// Package runtime refuses kernels of another version.
const ABI = 1
