package codebook

// Entry is what a window of a multi-symbol table decodes.
type Entry struct {
	// Symbols are the symbols whose codes the window holds completely, in the order of the stream.
	// There are none when the first code is longer than the window or when no code starts there.
	Symbols []uint8
	// Bits is the length of their codes together.
	Bits uint8
}

// MultiTable returns, for every window of the given number of bits, the complete codes that it
// holds from its top, at most maxSymbols of them. Bits is 1 to 16, maxSymbols at least 1.
func MultiTable(b *Book, bits, maxSymbols int) []Entry {
	table := make([]Entry, 1<<bits)
	for i := range table {
		table[i] = lookAhead(b, uint32(i)<<(32-bits), bits, maxSymbols)
	}
	return table
}

func lookAhead(b *Book, window uint32, bits, maxSymbols int) Entry {
	var e Entry
	for len(e.Symbols) < maxSymbols {
		symbol, length := b.Decode(window << e.Bits)
		if length == 0 || int(e.Bits+length) > bits {
			break
		}
		e.Symbols = append(e.Symbols, symbol)
		e.Bits += length
	}
	return e
}
