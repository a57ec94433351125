package codebook

// Size is the size in bytes of the tensors of a unit, by kind.
type Size struct {
	Luts            uint64 `json:"luts"`
	Stream          uint64 `json:"encoded_exponent"`
	SignMantissa    uint64 `json:"sign_mantissa"`
	OutputPositions uint64 `json:"output_positions"`
	Gaps            uint64 `json:"gaps"`
	SplitPositions  uint64 `json:"split_positions"`
	Tiles           uint64 `json:"tiles,omitempty"`
}

// Total returns the size of all tensors together.
func (s *Size) Total() uint64 {
	return s.Luts + s.Stream + s.SignMantissa + s.OutputPositions + s.Gaps + s.SplitPositions + s.Tiles
}

// Add adds the sizes of o.
func (s *Size) Add(o *Size) {
	s.Luts += o.Luts
	s.Stream += o.Stream
	s.SignMantissa += o.SignMantissa
	s.OutputPositions += o.OutputPositions
	s.Gaps += o.Gaps
	s.SplitPositions += o.SplitPositions
	s.Tiles += o.Tiles
}

// ExpectedSize returns the exact sizes of a unit with histogram h, coded with b in plain DF11. They are without
// the split positions, which do not follow from a histogram.
func ExpectedSize(h *Histogram, b *Book) (Size, error) {
	bits, err := b.StreamBits(h)
	if err != nil {
		return Size{}, err
	}
	stream := ceilDiv(bits, 8)
	chunks := ceilDiv(stream, ChunkBytes)
	return Size{
		Luts:            uint64(len(b.luts)),
		Stream:          stream,
		SignMantissa:    h.Total(),
		OutputPositions: 4 * (chunks + 1),
		Gaps:            gapBytesPerChunk * chunks,
	}, nil
}

func ceilDiv(n, d uint64) uint64 { return (n + d - 1) / d }
