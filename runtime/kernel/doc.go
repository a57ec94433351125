// Package kernel is what generated packages say of themselves to package runtime: which decoders they have, and for which
// version of the contract, [ABI], they were made. Only generated code uses it. What its types hold is of no interest
// outside of Bespoke, and may change with every version of the contract.
package kernel
