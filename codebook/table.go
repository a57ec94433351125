package codebook

// Entry is an entry of a multi-symbol table: what the bits that are its index decode to.
type Entry struct {
	// Symbols are the symbols of all codes that the index holds completely, in the order of the stream. There are
	// none if the first code is longer than the index, or if no code begins like it.
	Symbols []uint8
	// Bits is the number of bits of their codes together.
	Bits uint8
}

// MultiTable returns a table indexed by the next bits of a stream, 1 to 16 of them. Each entry has the complete
// codes that its index begins with, at most maxSymbols of them. maxSymbols is at least 1.
func MultiTable(b *Book, bits, maxSymbols int) []Entry {
	table := make([]Entry, 1<<bits)
	for i := range table {
		table[i] = lookAhead(b, uint32(i)<<(32-bits), bits, maxSymbols)
	}
	return table
}

func lookAhead(b *Book, next uint32, bits, maxSymbols int) Entry {
	var e Entry
	for len(e.Symbols) < maxSymbols {
		symbol, length := b.Decode(next << e.Bits)
		if length == 0 || int(e.Bits+length) > bits {
			break
		}
		e.Symbols = append(e.Symbols, symbol)
		e.Bits += length
	}
	return e
}
