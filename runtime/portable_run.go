package runtime

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

const (
	// batchSymbols is the size of the scratch memory for symbols.
	batchSymbols = 512
	// batchRoom is what the lookups of one load may fill of it, with the 8 bytes that the last one
	// stores: tables of 8 bits and more make at most 7 lookups a load.
	batchRoom = 7*kernel.EntrySymbols + 8
)

// run decodes while there is room for whole batches: symbols into scratch memory first, as the
// lookups are one long chain, then the merge, eight words at a time. It returns where it stopped
// and the number of elements.
func (p *portable) run(encoded []byte, bit uint64, sm []byte, dst []uint16) (uint64, int) {
	var symbols [batchSymbols]byte
	done := 0
	for len(dst)-done >= batchSymbols {
		n, next := p.symbols(&symbols, encoded, bit)
		if n == 0 {
			break
		}
		mergeBatch(dst[done:], sm[done:], symbols[:], n)
		bit, done = next, done+n
	}
	return bit, done
}

// symbols decodes a batch of symbols, in the form of kernel.Rotate. It returns their number, less
// than batchSymbols, and the bit after the last one. It yields none when no code begins at bit or
// the stream is nearly over.
func (p *portable) symbols(symbols *[batchSymbols]byte, encoded []byte, bit uint64) (n int, next uint64) {
	table, shift := p.table, p.shift&63
	for n <= len(symbols)-batchRoom && bit/8+8 <= uint64(len(encoded)) {
		buf := binary.BigEndian.Uint64(encoded[bit/8:]) << (bit & 7)
		var e uint64
		for range p.lookups {
			e = table[buf>>shift]
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
			symbols[n] = kernel.Rotate(symbol)
			n++
			bit += uint64(length)
		}
	}
	return n, bit
}

// mergeBatch joins n symbols with their sign_mantissa bytes into words. It writes whole groups of
// eight: what is too much means nothing.
func mergeBatch(dst []uint16, sm, symbols []byte, n int) {
	for i := 0; i < n; i += 8 {
		e, m := binary.LittleEndian.Uint64(symbols[i:]), binary.LittleEndian.Uint64(sm[i:])
		t := (e ^ m) & 0x8080808080808080 // swap the sign with the exponent's low bit
		e, m = e^t, m^t
		lo := spread(uint32(e))<<8 | spread(uint32(m))
		hi := spread(uint32(e>>32))<<8 | spread(uint32(m>>32))
		d := dst[i : i+8 : i+8]
		d[0], d[1], d[2], d[3] = uint16(lo), uint16(lo>>16), uint16(lo>>32), uint16(lo>>48)
		d[4], d[5], d[6], d[7] = uint16(hi), uint16(hi>>16), uint16(hi>>32), uint16(hi>>48)
	}
}

// spread moves the four bytes of x to the low bytes of four 16-bit words.
func spread(x uint32) uint64 {
	w := uint64(x)
	w = (w | w<<16) & 0x0000ffff0000ffff
	return (w | w<<8) & 0x00ff00ff00ff00ff
}
