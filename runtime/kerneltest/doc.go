// Package kerneltest holds the decoders of a generated package against the reference in package
// codebook. Only the tests of generated packages import it: each makes a [Suite] of its kernel and
// calls the suite's methods.
//
// The data are drawn from the histograms that the code books were made from, by a generator with a
// fixed seed, so every run sees the same streams. They reach the decoders the way a user's do,
// through a DF11 file that package runtime opens.
package kerneltest
