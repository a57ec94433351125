package lanes

const (
	// TurnSymbols bounds the symbols that one turn yields in one lane.
	TurnSymbols = HalfScratch / 2

	// Ahead bounds the words by which the vectors of a merge run ahead of what is decoded. A merge in the middle of a
	// turn writes TurnSymbols words, however few of them are good, but begins no later than the turn did.
	Ahead = VectorSymbols - 1

	// Slack is the number of elements that a lane must still have undecoded for Decode to move it.
	Slack = TurnSymbols + Ahead
)
