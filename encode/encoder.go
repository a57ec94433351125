package encode

import (
	"encoding/binary"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
)

// An Encoder codes units one after another with the same memory. It must not be used by two
// goroutines at once; it runs its own. The zero value is ready to use.
type Encoder struct {
	// Workers is the number of goroutines that share a unit, GOMAXPROCS if 0.
	Workers int

	blocks    []block
	gaps      []byte // by window
	positions []uint32

	encoded, signMantissa, outputPositions, packedGaps []byte
}

// Encode codes the weights of a unit, given as the little-endian bfloat16 bytes of its tensors one
// after another. The stream is the one that codebook.Encode makes. It is good until the next call
// of Encode, which uses its memory again.
func (e *Encoder) Encode(b *codebook.Book, parts [][]byte) (*codebook.Stream, error) {
	n, err := countElements(parts)
	if err != nil {
		return nil, err
	}
	if n > codebook.MaxElements {
		return nil, fmt.Errorf("encode: %d weights, a unit has at most %d", n, codebook.MaxElements)
	}
	codes := newCodes(b)
	e.plan(int(n), parts)
	e.signMantissa = grow(e.signMantissa, int(n))
	parallel(len(e.blocks), e.Workers, func(i int) { e.blocks[i].split(codes, e.signMantissa) })
	bits, err := e.place(codes)
	if err != nil {
		return nil, err
	}
	e.pack(codes, bits)
	e.index(b, int(n), bits)
	return &codebook.Stream{
		Luts:            b.Luts(),
		Encoded:         e.encoded,
		SignMantissa:    e.signMantissa,
		OutputPositions: e.outputPositions,
		Gaps:            e.packedGaps,
	}, nil
}

// countElements returns the number of weights in all parts.
func countElements(parts [][]byte) (int64, error) {
	n := int64(0)
	for i, p := range parts {
		if len(p)%2 != 0 {
			return 0, fmt.Errorf("encode: part %d has %d bytes, want whole bfloat16 words", i, len(p))
		}
		n += int64(len(p) / 2)
	}
	return n, nil
}

// plan cuts the weights into blocks.
func (e *Encoder) plan(n int, parts [][]byte) {
	e.blocks = e.blocks[:0]
	for first := 0; first < n; first += blockElements {
		e.blocks = append(e.blocks, block{first: first})
	}
	element, i := 0, 0 // where the part starts, and the block that it starts in
	for _, p := range parts {
		for len(p) > 0 {
			take := min(len(p), 2*(e.blocks[i].first+blockElements-element))
			e.blocks[i].segments = append(e.blocks[i].segments, p[:take])
			p = p[take:]
			if element += take / 2; element == e.blocks[i].first+blockElements {
				i++
			}
		}
	}
}

// place gives every block its place in the stream, and returns the length of all codes in bits.
func (e *Encoder) place(c *codes) (uint64, error) {
	bits := uint64(0)
	for i := range e.blocks {
		b := &e.blocks[i]
		if b.bits >= noCode {
			return 0, b.missing(c)
		}
		b.bit = bits
		bits += b.bits
	}
	if bytes := (bits + 7) / 8; bytes > codebook.MaxStreamBytes {
		return 0, fmt.Errorf("encode: stream of %d bytes, a unit has at most %d", bytes, codebook.MaxStreamBytes)
	}
	return bits, nil
}

// pack writes the codes of all blocks and the end-of-stream code.
func (e *Encoder) pack(c *codes, bits uint64) {
	bytes := int(bits+7) / 8
	windows := (bytes + windowBytes - 1) / windowBytes
	e.encoded = grow(e.encoded, windows*windowBytes)
	e.gaps = grow(e.gaps, windows+1) // a window may begin where the stream ends
	e.positions = grow(e.positions, windows/codebook.ChunkWindows+2)
	parallel(len(e.blocks), e.Workers, func(i int) { e.blocks[i].pack(c, e.encoded, e.gaps, e.positions) })
	e.join()
	if room := 8*bytes - int(bits); room > 0 {
		e.encoded[bytes-1] |= c.fill >> (8 - room)
	}
	e.encoded = e.encoded[:bytes]
}

// join puts the windows together that blocks share.
func (e *Encoder) join() {
	for i := range e.blocks {
		for _, w := range e.blocks[i].edges {
			clear(e.encoded[w.at : w.at+windowBytes])
		}
	}
	for i := range e.blocks {
		for _, w := range e.blocks[i].edges {
			shared := e.encoded[w.at : w.at+windowBytes]
			binary.BigEndian.PutUint64(shared, binary.BigEndian.Uint64(shared)|w.bits)
		}
	}
}
