package codebook

import "fmt"

// Audit decodes s and checks the parts of the index that a sequential decoder does not need but a GPU kernel
// relies on: the gap of every window and the record of every tile. It returns an error for the first one that
// differs from what [EncodeIndexed] writes. The bits that fill up the last byte of the stream may be anything.
func Audit(s *Stream) error {
	weights := make([]uint16, s.Elements())
	if err := Decode(weights, s); err != nil {
		return err
	}
	b, err := ParseLuts(s.Luts)
	if err != nil {
		return err
	}
	want, err := EncodeIndexed(b, weights, s.Index())
	if err != nil {
		return err
	}
	if s.Index().HasGaps() {
		for w := range s.Chunks() * ChunkWindows {
			if got, want := s.gap(w), want.gap(w); got != want {
				return fmt.Errorf("codebook: window %d: gap of %d bits, want %d", w, got, want)
			}
		}
	}
	if s.Index().HasTiles() {
		for t := range TileCount(s.Elements()) {
			if err := sameTile(s.Tile(t), want.Tile(t)); err != nil {
				return fmt.Errorf("codebook: tile %d: %w", t, err)
			}
		}
	}
	return nil
}

// sameTile says how a record differs from the wanted one.
func sameTile(got, want Tile) error {
	if got.Bit != want.Bit {
		return fmt.Errorf("starts at bit %d, want %d", got.Bit, want.Bit)
	}
	if got.Minimum != want.Minimum {
		return fmt.Errorf("minimum of %d bits, want %d", got.Minimum, want.Minimum)
	}
	for i := range got.Lanes {
		if got.Lanes[i] != want.Lanes[i] {
			return fmt.Errorf("byte %d of the lanes is %d, want %d", i, got.Lanes[i], want.Lanes[i])
		}
	}
	return nil
}
