// Package states has the arguments of decoders of rANS blocks, for AVX-512 and for AVX2: see package rans for the format. Package avo
// generates the decoders.
//
// [Decoder] describes what a decoder does. The caller has to check the states before and after, decodes the last weights of
// a block, and applies the patches.
package states
