package encode

import (
	"encoding/binary"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	// blockElements is the number of weights in a block: 64 KiB, which stays in the second-level
	// cache between passes.
	blockElements = 32 << 10

	windowBytes = codebook.WindowBytes
	windowBits  = codebook.WindowBits

	// noCode stands in for the length of a code that does not exist: more than all codes of a block
	// together.
	noCode = 1 << 32
)

// codes is a code book in the form that the packer wants.
type codes struct {
	length [256]uint64 // noCode where there is none
	code   [256]code
	fill   uint8 // what fills up the last byte, left-aligned
}

// A code is a code word and its length.
type code struct {
	bits   uint64
	length uint64
}

func newCodes(b *codebook.Book) *codes {
	var c codes
	for i := range c.length {
		c.length[i] = noCode
	}
	for _, s := range b.Symbols() {
		w := b.Code(s)
		c.length[s] = uint64(w.Length)
		c.code[s] = code{bits: uint64(w.Bits), length: uint64(w.Length)}
	}
	if eos := b.EndOfStream(); eos.Length > 0 {
		c.fill = uint8(uint64(eos.Bits) << (40 - eos.Length) >> 32)
	}
	return &c
}

// A block is a run of weights that one worker codes.
type block struct {
	first    int      // the first weight, counted in the unit
	segments [][]byte // the weights; more than one segment where tensors meet
	bits     uint64   // length of its codes, noCode or more when some weight has none
	bit      uint64   // where its codes start in the stream
	edges    []edge   // windows that it shares with other blocks
}

// An edge is a block's part of a window that it shares.
type edge struct {
	at   int // of the window, in bytes
	bits uint64
}

// split writes the sign_mantissa bytes of the block to their place in the unit's, and sums up its
// codes' lengths.
func (b *block) split(c *codes, signMantissa []byte) {
	out := signMantissa[b.first:]
	var bits uint64
	for _, s := range b.segments {
		for ; len(s) >= 8; s, out = s[8:], out[4:] {
			w := binary.LittleEndian.Uint64(s)
			bits += c.length[w>>7&0xff] + c.length[w>>23&0xff] + c.length[w>>39&0xff] + c.length[w>>55&0xff]
			m := w>>8&0x0080008000800080 | w&0x007f007f007f007f
			m = (m | m>>8) & 0x0000ffff0000ffff
			binary.LittleEndian.PutUint32(out, uint32(m|m>>16))
		}
		for ; len(s) >= 2; s, out = s[2:], out[1:] {
			w := binary.LittleEndian.Uint16(s)
			bits += c.length[codebook.Exponent(w)]
			out[0] = codebook.SignMantissa(w)
		}
	}
	b.bits = bits
}

// missing returns the error of the first weight in the block that has no code.
func (b *block) missing(c *codes) error {
	i := b.first
	for _, s := range b.segments {
		for ; len(s) > 0; s = s[2:] {
			if e := codebook.Exponent(binary.LittleEndian.Uint16(s)); c.length[e] == noCode {
				return fmt.Errorf("encode: weight %d has exponent %d, which has no code", i, e)
			}
			i++
		}
	}
	return nil
}

// pack writes the codes of the block to the stream, and the gaps and positions of the windows and
// chunks that its codes run into. The windows that it shares with other blocks go to its edges
// instead.
func (b *block) pack(c *codes, encoded, gaps []byte, positions []uint32) {
	p := packer{
		encoded: encoded, gaps: gaps, positions: positions,
		window: int(b.bit / windowBits), used: b.bit % windowBits,
	}
	p.shared = p.used > 0
	element := b.first
	for _, s := range b.segments {
		p.segment(c, s, element)
		element += len(s) / 2
	}
	b.edges = p.edges
	if p.used > 0 {
		b.edges = append(b.edges, edge{p.window * windowBytes, p.acc})
	}
}
