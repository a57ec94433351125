package kernel

// A Decoder is one generated decoder and the shape it was generated for.
type Decoder struct {
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
