package cpu

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/internal/lookup"
)

// portionSymbols is the size of the scratch memory for the symbols of a portion: symbols that are decoded one after
// another and then merged. It is also the number of elements that must be left for a portion, because the merge
// writes whole groups of eight.
const portionSymbols = 512

// most decodes all but a few elements, in portions. Each portion is decoded to scratch memory, because the lookups
// are one long chain, and then merged, eight words at a time. It returns the next bit and the number of decoded
// elements.
func (p *portable) most(encoded []byte, bit uint64, sm []byte, dst []uint16) (uint64, int) {
	var symbols [portionSymbols]byte
	done := 0
	for len(dst)-done >= portionSymbols {
		n, next := p.symbols(&symbols, encoded, bit, portionSymbols-8)
		if n == 0 {
			return bit, done
		}
		mergePortion((*[portionSymbols]uint16)(dst[done:]), (*[portionSymbols]byte)(sm[done:]), &symbols, n)
		bit, done = next, done+n
	}
	// There is no room for a whole portion. The last symbols are merged in separate memory.
	n, next := p.symbols(&symbols, encoded, bit, min(len(dst)-done, portionSymbols-8))
	if n == 0 {
		return bit, done
	}
	mergeFew(dst[done:done+n], sm[done:done+n], &symbols)
	return next, done + n
}

// symbols decodes a portion to symbols in the form of lookup.Rotate. It returns their number, at most limit, and
// the bit after the last one. The number is 0 if no code begins at bit, or if the stream is nearly over. The memory
// must have room for 8 bytes behind limit.
func (p *portable) symbols(symbols *[portionSymbols]byte, encoded []byte, bit uint64, limit int) (n int, next uint64) {
	table := p.table
	for n <= limit-lookup.EntrySymbols*portableLookups && bit/8+8 <= uint64(len(encoded)) {
		buf := binary.BigEndian.Uint64(encoded[bit/8:]) << (bit & 7)
		var e uint64
		for range portableLookups {
			e = table[buf>>portableShift]
			binary.BigEndian.PutUint64(symbols[n:], e)
			n += entrySymbols(e)
			buf <<= e & 63
			bit += e & 63
		}
		if e == 0 { // an empty entry does not move on: the next code is a long one, or there is no code
			symbol, length := p.book.Decode(uint32(window(encoded, bit) >> 32))
			if length == 0 || bit+uint64(length) > 8*uint64(len(encoded)) {
				break
			}
			symbols[n] = lookup.Rotate(symbol)
			n++
			bit += uint64(length)
		}
	}
	return n, bit
}

// mergePortion joins n symbols with their sign_mantissa bytes into words. It writes whole groups of eight. Words
// behind the first n have no meaning.
func mergePortion(dst *[portionSymbols]uint16, sm, symbols *[portionSymbols]byte, n int) {
	// The masks are variables because a constant would be loaded again at each use.
	tops, bytes, halves := mergeMasks[0], mergeMasks[1], mergeMasks[2]
	for i := 0; i < n; i += 8 {
		i := i & (portionSymbols - 8) // changes nothing: it shows the compiler that i is in range
		e, m := binary.LittleEndian.Uint64(symbols[i:][:8]), binary.LittleEndian.Uint64(sm[i:][:8])
		t := (e ^ m) & tops // swap the sign with the exponent's low bit
		e, m = e^t, m^t
		// Interleave the bytes of both: swap every other byte, pair of bytes, half.
		t = (m>>8 ^ e) & bytes
		e, m = e^t, m^t<<8
		t = (m>>16 ^ e) & halves
		e, m = e^t, m^t<<16
		t = m>>32 ^ e&0xffffffff
		e, m = e^t, m^t<<32
		d := dst[i:][:8]
		d[0], d[1], d[2], d[3] = uint16(m), uint16(m>>16), uint16(m>>32), uint16(m>>48)
		d[4], d[5], d[6], d[7] = uint16(e), uint16(e>>16), uint16(e>>32), uint16(e>>48)
	}
}

// mergeFew is mergePortion for len(dst) symbols, and writes no other words.
func mergeFew(dst []uint16, sm []byte, symbols *[portionSymbols]byte) {
	var words [portionSymbols]uint16
	var bytes [portionSymbols]byte
	copy(bytes[:], sm)
	mergePortion(&words, &bytes, symbols, len(dst))
	copy(dst, words[:])
}

// mergeMasks have the top bit of each byte, every other byte, and every other pair of bytes.
var mergeMasks = [3]uint64{0x8080808080808080, 0x00ff00ff00ff00ff, 0x0000ffff0000ffff}
