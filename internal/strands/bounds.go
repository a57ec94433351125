package strands

const (
	// TurnSymbols bounds the symbols that one turn decodes of one strand.
	TurnSymbols = HalfScratch / 2

	// Ahead bounds the words that the vectors of a merge write behind the last decoded one. A merge in the middle
	// of a turn always writes TurnSymbols words, but it begins no later than the place of the strand before the
	// turn.
	Ahead = VectorSymbols - 1

	// Slack is the number of elements that a strand must have left, or the decoder does not move it.
	Slack = TurnSymbols + Ahead
)
