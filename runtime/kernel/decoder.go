package kernel

// A Form says how a decoder keeps symbols between their lookup and the merge, and with it what its
// table looks like.
type Form uint8

const (
	// Bytes keeps the symbols one after another. The table is the one of [Table].
	Bytes Form = iota
	// Slots keeps the entries of the table, of which vector instructions make symbols. The table is
	// the one of [SlotTable].
	Slots
)

// TurnSymbols bounds the symbols that one turn yields in one lane.
func (f Form) TurnSymbols() int {
	if f == Slots {
		return TurnSlots * EntrySymbols
	}
	return HalfScratch / 2
}

// EntrySymbol returns symbol i of a table entry, in the form of [Rotate].
func (f Form) EntrySymbol(e uint64, i int) uint8 {
	if f == Slots {
		return uint8(e >> (16 + 8*i))
	}
	return uint8(e >> (56 - 8*i))
}

// Ahead bounds the words by which the vectors of a merge run ahead of what is decoded. A merge in the
// middle of a turn of form Bytes writes TurnSymbols words, however few of them are good, but begins no
// later than the turn did. One of form Slots writes nothing that is not decoded.
func (f Form) Ahead() int {
	if f == Slots {
		return 0
	}
	return VectorSymbols - 1
}

// Slack is the number of elements that a lane must still have undecoded for Decode to move it.
func (f Form) Slack() int { return f.TurnSymbols() + f.Ahead() }

// A Decoder is one generated decoder and the shape it was generated for.
type Decoder struct {
	// Form is how it keeps symbols.
	Form Form
	// TableBits is the number of bits that index the table.
	TableBits int
	// MaxSymbols is the largest number of symbols in one entry of the table, 1 to [EntrySymbols].
	MaxSymbols int
	// SlowPath says that the decoder looks up codes longer than TableBits in the list that [Long]
	// makes. A decoder without it is right only for books whose longest code fits the table.
	SlowPath bool
	// Lanes is the number of lanes that run side by side, 1 to MaxLanes.
	Lanes int
	// Decode runs the job; see the package comment. It needs the CPU features of the decoder's
	// family.
	Decode func(*Job)
}
