package states

import "github.com/seed54244801/bespoke/rans"

// A ByteTable is a table of bytes for buckets or places, as two vectors to index with the low 4 bits: the first one has
// the bytes of the lower half, the second what has to be added to them (exclusive or) for the upper half.
type ByteTable [2][rans.Buckets / 2]byte

// set sets an element. The elements of the lower half have to be set before those of the upper half.
func (t *ByteTable) set(i int, b byte) {
	if half := len(t[0]); i < half {
		t[0][i] = b
	} else {
		t[1][i-half] = t[0][i-half] ^ b
	}
}

// ByteTables are the alias layout of a table for vectors that can only look up bytes.
type ByteTables struct {
	// Threshold is that of a bucket, in 16 cells. A bucket that is full of its own symbol has one less: the last cells come
	// to its donor, which is the same symbol, with an offset of 0.
	Threshold ByteTable
	// Donor is the place of the donor of a bucket, exclusive or the bucket.
	Donor ByteTable
	// OffsetLow and OffsetHigh are the bytes of the offset of a bucket.
	OffsetLow, OffsetHigh ByteTable
	// FrequencyLow and FrequencyHigh are the bytes of the frequency of a place.
	FrequencyLow, FrequencyHigh ByteTable
	// Symbol is the exponent of a place, or, for joint symbols, the high byte of a bfloat16 word. SymbolLow is the low one.
	Symbol, SymbolLow ByteTable
}

// newByteTables returns the tables for a layout.
func newByteTables(f rans.Form, a *rans.Alias) (t ByteTables) {
	for i := range rans.Buckets {
		t.Threshold.set(i, byte(min(a.Threshold[i]/16, 127)))
		t.Donor.set(i, byte(a.Donor[i])^byte(i))
		t.OffsetLow.set(i, byte(a.Offset[i]))
		t.OffsetHigh.set(i, byte(a.Offset[i]>>8))
		t.FrequencyLow.set(i, byte(a.Frequency[i]))
		t.FrequencyHigh.set(i, byte(a.Frequency[i]>>8))
		word := f.Join(a.Symbol[i], 0)
		t.SymbolLow.set(i, byte(word))
		t.Symbol.set(i, byte(word>>8))
		if f == rans.Exponent {
			t.Symbol.set(i, byte(a.Symbol[i]))
		}
	}
	return t
}
