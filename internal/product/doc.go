// Package product has the arguments of kernels that multiply matrices of bfloat16 weights with vectors of float32 numbers,
// on CPUs. Package avo generates the kernels.
//
// # The order of the sums
//
// Every product of a row and a vector is summed in one order, whatever the kernel, the number of vectors, and the way in
// which the weights are coded. So all give the same bits:
//
//   - A row is cut into groups of 32 columns. What the last group lacks are zeros, in the row and in the vector.
//   - A row has 16 sums, which begin as zeros. From each group column 2i is added to sum i, then column 2i+1 to the same
//     sum, each with one rounding for product and sum (FMA).
//   - In the end sum i+8 is added to sum i, for i below 8; then sum i+4 to sum i, for i below 4; then i+2 and i+1. Sum 0 is
//     the result.
//
// Numbers are rounded to nearest, ties to even, and subnormal numbers are kept. Which bits a NaN has is not determined.
package product
