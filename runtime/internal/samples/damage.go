package samples

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
)

// NewRand returns a source of random numbers that are the same in every run.
func NewRand(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 77)) }

// Damage changes a few bytes, in one of several ways.
func Damage(r *rand.Rand, b []byte) {
	at := r.IntN(len(b))
	run := b[at:min(len(b), at+1+r.IntN(40))]
	switch r.IntN(4) {
	case 0:
		b[at] ^= 1 << r.IntN(8)
	case 1:
		for i := range run {
			run[i] = 0
		}
	case 2:
		for i := range run {
			run[i] = 0xff
		}
	case 3:
		for i := range run {
			run[i] = byte(r.Uint32())
		}
	}
}

// Indexed returns a function that gives a stream of the weights another index.
func Indexed(b *codebook.Book, weights []uint16, index codebook.Index) func(*codebook.Stream) {
	return func(s *codebook.Stream) { *s = *Must(codebook.EncodeIndexed(b, weights, index)) }
}

// MoveTile makes a tile start some bits later, if it can. One lane of the tile loses these bits, and one lane of
// the previous tile gets them.
func MoveTile(s *codebook.Stream, tile, bits int) {
	record := s.Tiles[codebook.TileBytes*tile:]
	before, lanes := s.Tile(tile - 1).Lanes[:codebook.TileLanes], s.Tile(tile).Lanes[:codebook.TileLanes]
	can := func(b byte) bool { return b > 3 && b < 250 }
	from, to := slices.IndexFunc(lanes, can), slices.IndexFunc(before, can)
	if from < 0 || to < 0 {
		return
	}
	lanes[from] -= byte(bits)
	before[to] += byte(bits)
	binary.LittleEndian.PutUint64(record, binary.LittleEndian.Uint64(record)+uint64(bits))
}
