package encode

import (
	"encoding/binary"
	"math"

	"github.com/seed54244801/bespoke/codebook"
)

const laneGroups = codebook.LaneElements / groupElements

// tiles writes the records of the tiles of a block that starts at a bit of the stream. The packer knows
// where each group of codes starts, and a block is whole tiles.
func (p *packer) tiles(bit uint64, records []byte) {
	for first := 0; first < p.n; first += codebook.TileElements {
		full := min(p.n-first, codebook.TileElements) / codebook.LaneElements
		tile(bit, p.starts[first/groupElements:][:full*laneGroups+1], records)
		records = records[codebook.TileBytes:]
	}
}

// tile writes a record. Starts are those of the groups of the tile's full lanes, and where the last one
// ends, counted from the given bit.
func tile(bit uint64, starts []uint32, record []byte) {
	var bits [codebook.TileLanes]uint32
	lanes := bits[:len(starts)/laneGroups]
	minimum, most := uint32(math.MaxUint32), uint32(0)
	for l := range lanes {
		lanes[l] = starts[laneGroups*(l+1)] - starts[laneGroups*l]
		minimum, most = min(minimum, lanes[l]), max(most, lanes[l])
	}
	clear(record[8:codebook.TileBytes])
	switch {
	case len(lanes) == 0:
		minimum = 0
	case most-minimum > codebook.MostOver:
		minimum = codebook.WideTile
		for l := 1; l < len(lanes); l += 2 {
			binary.LittleEndian.PutUint16(record[8+l-1:], uint16(lanes[l-1]+lanes[l]))
		}
	default:
		for l, n := range lanes {
			record[8+l] = byte(n - minimum)
		}
	}
	binary.LittleEndian.PutUint64(record, bit+uint64(starts[0])|uint64(minimum)<<codebook.TileBitWidth)
}
