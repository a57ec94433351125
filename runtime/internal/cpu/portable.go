package cpu

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
)

// portable decodes in Go, several symbols a table lookup. It is the decoder generic, and finishes
// what the assembly leaves over.
type portable struct {
	book  *codebook.Book
	table []uint64 // see lookup.Table
}

const (
	// portableBits is the number of bits that index the table of the decoders generic and avx2.
	portableBits = codebook.TableBits
	// portableShift leaves the bits of a lookup of the bits that are loaded.
	portableShift = 64 - portableBits
	// portableLookups is the number of lookups between two loads of the stream: a load has 56 good bits at least.
	portableLookups = 56 / portableBits
)

func newPortable(b *codebook.Book) (*portable, error) {
	table, err := lookup.Table(b, portableBits, lookup.EntrySymbols)
	if err != nil {
		return nil, err
	}
	return &portable{book: b, table: table}, nil
}

func (p *portable) decodePart(s *stream, c, from int, dst []uint16) bool {
	start, bit := s.ChunkStart(c)
	stop, _ := s.ChunkStart(c + 1)
	to := from + len(dst)
	bit, ok := p.skip(s.Encoded, bit, from-start)
	if !ok {
		return false
	}
	if bit, ok = p.rest(s.Encoded, bit, s.SignMantissa[from:to], dst); !ok {
		return false
	}
	bit, ok = p.skip(s.Encoded, bit, stop-to)
	return ok && s.EndsAt(c, bit)
}

// finish decodes the rest of chunk c, whose next code starts at bit: one element for each byte of
// sm. It reports whether the codes were sound and ended where the chunk does.
func (p *portable) finish(s *stream, c int, bit uint64, sm []byte, dst []uint16) bool {
	bit, ok := p.rest(s.Encoded, bit, sm, dst)
	return ok && s.EndsAt(c, bit)
}

// rest decodes elements from bit on, one for each byte of sm. It returns the bit after the last one and
// reports whether the codes were sound.
func (p *portable) rest(encoded []byte, bit uint64, sm []byte, dst []uint16) (uint64, bool) {
	bit, done := p.run(encoded, bit, sm, dst)
	return p.tail(encoded, bit, sm[done:], dst[done:])
}

// join makes a word of a symbol in the form of lookup.Rotate and its sign_mantissa byte.
func join(symbol, sm uint8) uint16 {
	t := (symbol ^ sm) & 0x80
	return uint16(symbol^t)<<8 | uint16(sm^t)
}

// entrySymbols returns the number of symbols in a table entry.
func entrySymbols(e uint64) int { return -int(int8(e >> 8)) }

// codeLength returns the length of the code of a symbol in the form of lookup.Rotate.
func (p *portable) codeLength(symbol uint8) uint64 {
	return uint64(p.book.Code(bits.RotateLeft8(symbol, 1)).Length)
}

// tail decodes the last elements of a run, with a check of every step. It reports whether all codes
// were sound.
func (p *portable) tail(encoded []byte, bit uint64, sm []byte, dst []uint16) (uint64, bool) {
	end := 8 * uint64(len(encoded))
	for done := 0; done < len(dst); {
		buf := window(encoded, bit)
		e := p.table[buf>>portableShift]
		n, length := min(entrySymbols(e), len(dst)-done), e&63
		if n == 0 {
			symbol, codeLength := p.book.Decode(uint32(buf >> 32))
			if codeLength == 0 {
				return bit, false
			}
			e, n, length = uint64(lookup.Rotate(symbol))<<56, 1, uint64(codeLength)
		} else if n < entrySymbols(e) || bit+length > end {
			n, length = 1, p.codeLength(uint8(e>>56))
		}
		if bit += length; bit > end {
			return bit, false
		}
		for i := range n {
			dst[done+i] = join(uint8(e>>(56-8*i)), sm[done+i])
		}
		done += n
	}
	return bit, true
}

// skip passes over n codes from bit on. It reports whether all were sound.
func (p *portable) skip(encoded []byte, bit uint64, n int) (uint64, bool) {
	for n > 0 {
		buf := window(encoded, bit)
		for i := 0; i < portableLookups && n > 0; i++ {
			e := p.table[buf>>portableShift]
			symbols, length := entrySymbols(e), e&63
			if symbols == 0 {
				_, codeLength := p.book.Decode(uint32(window(encoded, bit) >> 32))
				if codeLength == 0 {
					return bit, false
				}
				n--
				bit += uint64(codeLength)
				break
			}
			for symbols > n {
				symbols--
				length -= p.codeLength(uint8(e >> (56 - 8*symbols)))
			}
			n -= symbols
			buf <<= length
			bit += length
		}
	}
	return bit, bit <= 8*uint64(len(encoded))
}

// window returns the stream from bit on, at least 57 bits of it, and zeros after its end.
func window(encoded []byte, bit uint64) uint64 {
	if bit/8+8 <= uint64(len(encoded)) {
		return binary.BigEndian.Uint64(encoded[bit/8:]) << (bit % 8)
	}
	var last [8]byte
	if bit/8 < uint64(len(encoded)) {
		copy(last[:], encoded[bit/8:])
	}
	return binary.BigEndian.Uint64(last[:]) << (bit % 8)
}
