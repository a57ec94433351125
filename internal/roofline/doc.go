// Package roofline moves the bytes that a decoder of DF11 must move, and does nothing else with them. Its speed
// bounds every decoder on a machine, also those of rANS, which have to move about as many. [Move] does it. Without AVX2 it may be
// bound by its computations instead.
package roofline

//go:generate go test -tags purego . -run ^TestAssembly$ -update

// BlockWeights is the number of weights that Move moves at a time. BlockStream is the number of bytes of stream
// that stand for their codes: 1.34 bytes are read for a weight, sign_mantissa included.
const (
	BlockWeights = 64
	BlockStream  = 22
)

// Move writes words to dst that depend on every byte of signMantissa, which has a byte for each word, and of the
// first part of stream. It writes multiples of BlockWeights; the rest of dst stays as it is. Stream must have
// [StreamBytes] for dst.
func Move(dst []uint16, stream, signMantissa []byte) {
	blocks := len(dst) / BlockWeights
	if blocks == 0 {
		return
	}
	_, _ = stream[StreamBytes(len(dst))-1], signMantissa[len(dst)-1]
	move(&dst[0], &stream[0], &signMantissa[0], uint64(blocks))
}

// StreamBytes returns the number of bytes of stream that Move may read for a number of words.
func StreamBytes(words int) int { return words/BlockWeights*BlockStream + 32 - BlockStream }
