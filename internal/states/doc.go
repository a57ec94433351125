// Package states has the arguments of decoders and encoders of rANS blocks, for AVX-512 and for AVX2: see package rans for the
// format. Package avo generates them.
//
// [Decoder] describes what a decoder does. The caller has to check the states before and after, decodes the last weights of
// a block, and applies the patches.
//
// [Encoder] describes what an encoder does. The caller codes the last step of a block if that is not whole, and writes the
// patches.
package states
