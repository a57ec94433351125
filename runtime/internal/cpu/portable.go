package cpu

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
)

// portable decodes in Go. A table lookup yields several symbols. It is the decoder generic, and it also decodes the
// elements that the assembly leaves over.
type portable struct {
	book  *codebook.Book
	table *lookup.Table
}

const (
	// portableShift turns the next 64 bits of a stream into an index of the table.
	portableShift = 64 - lookup.TableBits
	// portableLookups is the number of lookups between two loads of the stream. A load has at least 56 valid bits.
	portableLookups = 56 / lookup.TableBits
)

func newPortable(b *codebook.Book) *portable { return &portable{book: b, table: lookup.NewTable(b)} }

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

// finish decodes the rest of chunk c, whose next code starts at bit. There is one element for each byte of sm. It
// reports whether the codes were sound and ended at the end of the chunk.
func (p *portable) finish(s *stream, c int, bit uint64, sm []byte, dst []uint16) bool {
	bit, ok := p.rest(s.Encoded, bit, sm, dst)
	return ok && s.EndsAt(c, bit)
}

// rest decodes elements from bit on, one for each byte of sm. It returns the bit after the last code, and reports
// whether the codes were sound.
func (p *portable) rest(encoded []byte, bit uint64, sm []byte, dst []uint16) (uint64, bool) {
	bit, done := p.most(encoded, bit, sm, dst)
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

// tail decodes elements from bit on, one for each word of dst, and checks every step. It returns the bit after the
// last code, and reports whether the codes were sound.
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

// skip passes over n codes from bit on. It returns the bit after the last one, and reports whether they were sound.
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

// window returns at least 57 bits of the stream, from bit on. After the end of the stream it returns zeros.
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
