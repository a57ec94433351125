package codebook

import (
	"encoding/binary"
	"fmt"
)

// Encode codes weights, given as bfloat16 words, with b, and indexes the stream as DF11 does. It is the reference:
// slow and obvious. With a book from [Published], the tensors are those of the published encoder to the byte.
func Encode(b *Book, weights []uint16) (*Stream, error) {
	if len(weights) > MaxElements {
		return nil, fmt.Errorf("codebook: %d weights, a unit has at most %d", len(weights), MaxElements)
	}
	s := &Stream{Luts: b.Luts(), SignMantissa: make([]byte, len(weights))}
	var bits bitWriter
	var index indexer
	for i, w := range weights {
		s.SignMantissa[i] = SignMantissa(w)
		c := b.Code(Exponent(w))
		if c.Length == 0 {
			return nil, fmt.Errorf("codebook: weight %d has exponent %d, which has no code", i, Exponent(w))
		}
		index.code(bits.bit, i)
		bits.write(c)
	}
	if bits.bit%8 != 0 {
		index.code(bits.bit, len(weights))
		bits.fillByte(b.EndOfStream())
	}
	s.Encoded = bits.bytes
	if len(s.Encoded) > MaxStreamBytes {
		return nil, fmt.Errorf("codebook: stream of %d bytes, a unit has at most %d", len(s.Encoded), MaxStreamBytes)
	}
	s.OutputPositions = index.outputPositions(b, s.Chunks(), len(weights))
	s.Gaps = index.packedGaps(s.Chunks())
	return s, nil
}

// EncodeIndexed is [Encode] with the given index.
func EncodeIndexed(b *Book, weights []uint16, index Index) (*Stream, error) {
	s, err := Encode(b, weights)
	if err != nil {
		return nil, err
	}
	if index.HasTiles() {
		s.Tiles = EncodeTiles(b, weights)
	}
	if !index.HasGaps() {
		s.OutputPositions, s.Gaps = nil, nil
	}
	return s, nil
}

// A bitWriter appends codes, the most significant bit first.
type bitWriter struct {
	bytes []byte
	bit   uint64 // length so far
}

func (w *bitWriter) write(c Code) {
	for i := int(c.Length) - 1; i >= 0; i-- {
		if w.bit%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.bit/8] |= byte(c.Bits>>i&1) << (7 - w.bit%8)
		w.bit++
	}
}

// fillByte appends as many bits of c as the last byte has room for. Room that is left stays zero.
func (w *bitWriter) fillByte(c Code) {
	room := uint8(8 - w.bit%8)
	if c.Length > room {
		c = Code{Length: room, Bits: c.Bits >> (c.Length - room)}
	}
	w.write(c)
}

// An indexer notes where the first code of each window and chunk starts.
type indexer struct {
	gaps      []byte   // by window
	positions []uint32 // by chunk
}

// code notes that the code of an element starts at a bit.
func (x *indexer) code(bit uint64, element int) {
	if bit/WindowBits+1 > uint64(len(x.gaps)) {
		x.gaps = append(x.gaps, byte(bit%WindowBits))
	}
	if bit/ChunkBits+1 > uint64(len(x.positions)) {
		x.positions = append(x.positions, uint32(element))
	}
}

// outputPositions returns the tensor output_positions. A last chunk in which no code starts holds no element; the
// published encoder has no output position for it.
func (x *indexer) outputPositions(b *Book, chunks, elements int) []byte {
	positions := append(x.positions, uint32(elements))
	for len(positions) < chunks+1 && !b.published {
		positions = append(positions, uint32(elements))
	}
	var tensor []byte
	for _, p := range positions {
		tensor = binary.LittleEndian.AppendUint32(tensor, p)
	}
	return tensor
}

// packedGaps returns the tensor gaps, for whole chunks. The gap of a window in which no code starts is 0.
func (x *indexer) packedGaps(chunks int) []byte {
	var w bitWriter
	for _, gap := range x.gaps {
		w.write(Code{Length: GapBits, Bits: uint32(gap)})
	}
	packed := make([]byte, gapBytesPerChunk*chunks)
	copy(packed, w.bytes)
	return packed
}

// Decode writes the weights of s to dst, which has one word for each element. It is the reference: slow and
// obvious. Its first error is the one that every decoder reports; for a broken bit stream it is a [*StreamError].
func Decode(dst []uint16, s *Stream) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("codebook: %w", err)
	}
	if len(dst) != s.Elements() {
		return fmt.Errorf("codebook: %d elements into a buffer of %d", s.Elements(), len(dst))
	}
	b, err := ParseLuts(s.Luts)
	if err != nil {
		return err
	}
	for c := range s.Chunks() {
		from, _ := s.ChunkStart(c)
		to, _ := s.ChunkStart(c + 1)
		if err := DecodeChunk(b, s, c, dst[from:to]); err != nil {
			return err
		}
	}
	return nil
}

// DecodeChunk writes the weights of chunk c to dst, which has one word for each element of the chunk. The stream
// has been validated and b is its book.
//
// The elements are decoded one after another. The error is NoSuchCode where no code starts at a bit, and
// StreamEnds where a code goes on past the stream. After the last element the decoder must stand where the first
// code of the next chunk starts or, if no more elements follow, in the last byte; otherwise the error is
// CountMismatch.
func DecodeChunk(b *Book, s *Stream, c int, dst []uint16) error {
	element, bit := s.ChunkStart(c)
	if next, _ := s.ChunkStart(c + 1); len(dst) != next-element {
		return fmt.Errorf("codebook: %d elements of chunk %d into a buffer of %d", next-element, c, len(dst))
	}
	if len(dst) == 0 {
		return nil
	}
	element, bit, cause := DecodeRun(b, s, element, bit, dst)
	if cause == 0 && !s.EndsAt(c, bit) {
		cause = CountMismatch
	}
	if cause != 0 {
		return &StreamError{c, element, bit, cause}
	}
	return nil
}

// DecodeRun writes a run of weights to dst: those from the given element on, whose code starts at the given bit.
// It is for decoders that know where chunks start without asking the stream. It returns the element and the bit
// after the last one; or, with a cause, the element and the bit that it could not decode. The stream must have
// that many elements, and b must be its book; nothing else of the stream matters.
func DecodeRun(b *Book, s *Stream, element int, bit uint64, dst []uint16) (int, uint64, Cause) {
	for i := range dst {
		symbol, length := b.Decode(s.next32(bit))
		if length == 0 {
			return element, bit, NoSuchCode
		}
		if bit+uint64(length) > 8*uint64(len(s.Encoded)) {
			return element, bit, StreamEnds
		}
		dst[i] = Join(symbol, s.SignMantissa[element])
		bit += uint64(length)
		element++
	}
	return element, bit, 0
}
