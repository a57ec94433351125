package cpu

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
)

const (
	// strandCount is the number of strands in a batch: one alone waits most of its time for its
	// own last lookup.
	strandCount = 3
	// strandLoads is the number of loads in a batch, whose symbols have room in the scratch memory
	// with the 8 bytes that the last lookup stores.
	strandLoads = (batchSymbols - 8) / (portableLookups * lookup.EntrySymbols)
	// strandBytes bounds the bytes of stream that a batch looks at: for each load the bits of full
	// lookups and of a long code, and what the last one loads.
	strandBytes = strandLoads*(7+portableLookups*portableBits+codebook.MaxLength)/8 + 8
)

// batch is the memory of a batch: the symbols of each strand in the form of lookup.Rotate, with room
// for the last store.
type batch struct {
	bit     [strandCount]uint64 // where the next code of each strand begins
	n       [strandCount]int    // the symbols of each
	symbols [strandCount][batchSymbols + 8]byte
}

// of returns the symbols of strand i.
func (b *batch) of(i int) *[batchSymbols]byte { return (*[batchSymbols]byte)(b.symbols[i][:]) }

// strandTable is a lookup.Table of portableBits.
type strandTable = [1 << portableBits]uint64

// run decodes up to batchSymbols symbols of each strand. A strand stops before bits that no code
// begins with.
func (b *batch) run(p *portable, encoded []byte) {
	table := (*strandTable)(p.table)
	n0, n1, n2 := 0, 0, 0
	var e0, e1, e2 uint64 // the last entries
	for range strandLoads {
		b0 := load(encoded, b.bit[0])
		b1 := load(encoded, b.bit[1])
		b2 := load(encoded, b.bit[2])
		// portableLookups rows of lookups, in line and in step: the strands wait for their lookups
		// together, and what they keep in registers is few enough to stay there.
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

// lookup decodes what the next bits of strand i hold: they are at the top of buf, and n symbols lie
// before them.
func (b *batch) lookup(table *strandTable, i int, buf uint64, n int) (newBuf uint64, newN int, entry uint64) {
	e := table[buf>>portableShift]
	// The mask changes nothing: it shows the compiler that n is in range.
	binary.BigEndian.PutUint64(b.symbols[i][n&(batchSymbols-1):][:8], e)
	return buf << (e & 63), n - int(int16(e>>8)), e
}

// load returns the stream from bit on, at least 56 bits of it, and below them a marker: the lowest 1,
// whose place tells how many bits have been shifted out since the byte of bit.
func load(encoded []byte, bit uint64) uint64 {
	return (binary.BigEndian.Uint64(encoded[bit/8:]) | 1) << (bit % 8)
}

// long decodes the code of strand i that the table has no entry for, and counts it.
func (b *batch) long(p *portable, encoded []byte, i, n int) int {
	symbol, length := p.book.Decode(uint32(window(encoded, b.bit[i]) >> 32))
	if length == 0 {
		return n
	}
	b.of(i)[n] = lookup.Rotate(symbol)
	b.bit[i] += uint64(length)
	return n + 1
}
