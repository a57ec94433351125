// Package kerneltest compares the decoders of a generated package with the reference in package codebook. Only
// tests of generated packages import it. Each makes a [Suite] of its kernel, and calls the suite's methods.
//
// The weights are drawn from the histograms that the code books were made from. The random numbers have a fixed
// seed, so every run has the same streams. The decoders read them from a DF11 file that package runtime opens.
package kerneltest
