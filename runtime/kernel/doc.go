// Package kernel has the types by which generated packages describe themselves to package runtime: their decoders,
// and the version of the contract, [ABI], that they were generated for. Only generated code uses it. The fields of
// its types may change with every version of the contract.
package kernel
