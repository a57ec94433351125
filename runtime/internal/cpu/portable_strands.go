package cpu

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
)

const (
	// strandCount is the number of strands that portable Go decodes side by side. One alone would wait most of its
	// time for its own last lookup.
	strandCount = 3
	// portionLoads is the number of loads of a stream for a portion. The scratch memory has room for the symbols of
	// all, and for the 8 bytes that the last lookup stores.
	portionLoads = (portionSymbols - 8) / (portableLookups * lookup.EntrySymbols)
	// portionBytes bounds the bytes of stream that a portion reads. Each load is followed by full lookups and one
	// long code. The last load is of 8 bytes.
	portionBytes = portionLoads*(7+portableLookups*lookup.TableBits+codebook.MaxLength)/8 + 8
)

// portions are a portion of each strand: symbols in the form of lookup.Rotate, with room for the last store.
type portions struct {
	bit     [strandCount]uint64 // where the next code of each strand begins
	n       [strandCount]int    // the number of symbols of each
	symbols [strandCount][portionSymbols + 8]byte
}

// of returns the symbols of strand i.
func (b *portions) of(i int) *[portionSymbols]byte { return (*[portionSymbols]byte)(b.symbols[i][:]) }

// decode decodes a portion of each strand. A strand stops if no code begins with its next bits.
func (b *portions) decode(p *portable, encoded []byte) {
	table := p.table
	n0, n1, n2 := 0, 0, 0
	var e0, e1, e2 uint64 // the last entries
	for range portionLoads {
		b0 := load(encoded, b.bit[0])
		b1 := load(encoded, b.bit[1])
		b2 := load(encoded, b.bit[2])
		// There are portableLookups rows of lookups. They are written out, so that the strands wait for their lookups
		// at the same time. Their values are few enough to stay in registers.
		b0, n0, _ = b.lookup(table, 0, b0, n0)
		b1, n1, _ = b.lookup(table, 1, b1, n1)
		b2, n2, _ = b.lookup(table, 2, b2, n2)
		b0, n0, _ = b.lookup(table, 0, b0, n0)
		b1, n1, _ = b.lookup(table, 1, b1, n1)
		b2, n2, _ = b.lookup(table, 2, b2, n2)
		b0, n0, _ = b.lookup(table, 0, b0, n0)
		b1, n1, _ = b.lookup(table, 1, b1, n1)
		b2, n2, _ = b.lookup(table, 2, b2, n2)
		b0, n0, _ = b.lookup(table, 0, b0, n0)
		b1, n1, _ = b.lookup(table, 1, b1, n1)
		b2, n2, _ = b.lookup(table, 2, b2, n2)
		b0, n0, e0 = b.lookup(table, 0, b0, n0)
		b1, n1, e1 = b.lookup(table, 1, b1, n1)
		b2, n2, e2 = b.lookup(table, 2, b2, n2)
		b.bit[0] = b.bit[0]&^7 + uint64(bits.TrailingZeros64(b0))
		if e0 == 0 {
			n0 = b.long(p, encoded, 0, n0)
		}
		b.bit[1] = b.bit[1]&^7 + uint64(bits.TrailingZeros64(b1))
		if e1 == 0 {
			n1 = b.long(p, encoded, 1, n1)
		}
		b.bit[2] = b.bit[2]&^7 + uint64(bits.TrailingZeros64(b2))
		if e2 == 0 {
			n2 = b.long(p, encoded, 2, n2)
		}
	}
	b.n = [strandCount]int{n0, n1, n2}
}

// lookup decodes a table entry of strand i. The next bits of the strand are at the top of buf, and it has n symbols.
func (b *portions) lookup(table *lookup.Table, i int, buf uint64, n int) (newBuf uint64, newN int, entry uint64) {
	e := table[buf>>portableShift]
	// The mask changes nothing: it shows the compiler that n is in range.
	binary.BigEndian.PutUint64(b.symbols[i][n&(portionSymbols-1):][:8], e)
	return buf << (e & 63), n - int(int16(e>>8)), e
}

// load returns at least 56 bits of the stream, from bit on, and a marker below them. The marker is the lowest 1.
// Its place tells how many bits have been shifted out, counted from the start of the byte that holds bit.
func load(encoded []byte, bit uint64) uint64 {
	return (binary.BigEndian.Uint64(encoded[bit/8:]) | 1) << (bit % 8)
}

// long decodes the next code of strand i, which is too long for the table, and returns the new number of symbols.
func (b *portions) long(p *portable, encoded []byte, i, n int) int {
	symbol, length := p.book.Decode(uint32(window(encoded, b.bit[i]) >> 32))
	if length == 0 {
		return n
	}
	b.of(i)[n] = lookup.Rotate(symbol)
	b.bit[i] += uint64(length)
	return n + 1
}
