package cpu

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/internal/lookup"
)

// batchSymbols is the size of the scratch memory for the symbols of a batch. It is also the number of
// elements that must be left for one, as the merge writes whole groups of eight.
const batchSymbols = 512

// run decodes all but a few elements: symbols into scratch memory first, as the lookups are one long
// chain, then the merge, eight words at a time. It returns where it stopped and the number of elements.
func (p *portable) run(encoded []byte, bit uint64, sm []byte, dst []uint16) (uint64, int) {
	var symbols [batchSymbols]byte
	done := 0
	for len(dst)-done >= batchSymbols {
		n, next := p.symbols(&symbols, encoded, bit, batchSymbols-8)
		if n == 0 {
			return bit, done
		}
		mergeBatch((*[batchSymbols]uint16)(dst[done:]), (*[batchSymbols]byte)(sm[done:]), &symbols, n)
		bit, done = next, done+n
	}
	// There is no room for a batch: it goes to memory of its own.
	n, next := p.symbols(&symbols, encoded, bit, min(len(dst)-done, batchSymbols-8))
	if n == 0 {
		return bit, done
	}
	mergeFew(dst[done:done+n], sm[done:done+n], &symbols)
	return next, done + n
}

// symbols decodes a batch of symbols, in the form of lookup.Rotate. It returns their number, at most
// limit, and the bit after the last one. It yields none when no code begins at bit or the stream is
// nearly over. The scratch memory has room for 8 bytes behind limit.
func (p *portable) symbols(symbols *[batchSymbols]byte, encoded []byte, bit uint64, limit int) (n int, next uint64) {
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
		if e == 0 { // from the first empty entry on, all are: the next code is a long one, or none
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

// mergeBatch joins n symbols with their sign_mantissa bytes into words. It writes whole groups of
// eight: what is too much means nothing.
func mergeBatch(dst *[batchSymbols]uint16, sm, symbols *[batchSymbols]byte, n int) {
	// The masks are variables because a constant would be loaded anew at each use.
	tops, bytes, halves := mergeMasks[0], mergeMasks[1], mergeMasks[2]
	for i := 0; i < n; i += 8 {
		i := i & (batchSymbols - 8) // changes nothing: it shows the compiler that i is in range
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

// mergeFew is mergeBatch for as many symbols as dst has words: it writes no others.
func mergeFew(dst []uint16, sm []byte, symbols *[batchSymbols]byte) {
	var words [batchSymbols]uint16
	var bytes [batchSymbols]byte
	copy(bytes[:], sm)
	mergeBatch(&words, &bytes, symbols, len(dst))
	copy(dst, words[:])
}

// mergeMasks are the top bits of bytes, every other byte, and every other pair of bytes.
var mergeMasks = [3]uint64{0x8080808080808080, 0x00ff00ff00ff00ff, 0x0000ffff0000ffff}
