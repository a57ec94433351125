package codebook

import "fmt"

// Cause says what is wrong with a bit stream.
type Cause int

// The causes, in the order in which a decoder meets them.
const (
	NoSuchCode    Cause = iota + 1 // no code of the book starts where one should
	StreamEnds                     // a code goes on past the end of the stream
	CountMismatch                  // the codes of the chunk do not end where its elements must end
)

// String describes the cause.
func (c Cause) String() string {
	switch c {
	case NoSuchCode:
		return "no such code"
	case StreamEnds:
		return "the stream ends within a code"
	case CountMismatch:
		return "the element count does not match the chunk"
	}
	return fmt.Sprintf("Cause(%d)", int(c))
}

// StreamError reports where and why a bit stream cannot be decoded. It is comparable with ==.
type StreamError struct {
	Chunk   int    // the chunk that could not be decoded
	Element int    // the element, counted from the start of the unit
	Bit     uint64 // where the decoder stood, counted from the start of the stream
	Cause   Cause
}

// Error names chunk, element, bit and cause.
func (e *StreamError) Error() string {
	return fmt.Sprintf("chunk %d: element %d at bit %d: %v", e.Chunk, e.Element, e.Bit, e.Cause)
}
