package host_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/testenv"
)

// tiled names the entries that decode by the tile index, and how they are compiled and launched for a book.
var tiled = []struct {
	name    string
	compile func(testing.TB, *kind) *host.Kernel
	launch  func(testing.TB, *codebook.Stream) host.Launch
}{
	{
		"decode_tiles",
		func(t testing.TB, c *kind) *host.Kernel { return c.kernel(t) },
		func(t testing.TB, s *codebook.Stream) host.Launch {
			return host.Launch{Stream: s, Entry: host.Tiles, Unit: 5}
		},
	},
	{
		"decode_tiles_table",
		func(t testing.TB, _ *kind) *host.Kernel { return tableKernel(t) },
		func(t testing.TB, s *codebook.Stream) host.Launch {
			return host.Launch{Stream: s, Entry: host.TilesTable, Unit: 5, Table: tableOf(t, s)}
		},
	},
}

// encodeTiles encodes weights with a tile index.
func encodeTiles(t testing.TB, b *codebook.Book, weights []uint16) *codebook.Stream {
	t.Helper()
	s := encode(t, b, weights)
	s.Tiles = codebook.EncodeTiles(b, weights)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// wide returns weights of which some lanes take many bits more than others.
func wide(seed uint64, n int) []uint16 {
	r := rand.New(rand.NewPCG(seed, 3))
	w := make([]uint16, n)
	for i := range w {
		if i/codebook.LaneElements%5 == 3 {
			w[i] = codebook.Join(uint8(60+r.IntN(40)), uint8(r.Uint32()))
		} else {
			w[i] = codebook.Join(uint8(120+r.IntN(2)), uint8(r.Uint32()))
		}
	}
	return w
}

// outliers returns weights that look trained and have exponents far from the others, about one in n.
func outliers(seed uint64, size, n int) []uint16 {
	r := rand.New(rand.NewPCG(seed, 4))
	w := trained(seed, size)
	for i := range w {
		if r.IntN(n) == 0 {
			w[i] = codebook.Join(uint8(40+r.IntN(4)), uint8(r.Uint32()))
		}
	}
	return w
}

// TestTiles decodes units of many sizes and kinds.
func TestTiles(t *testing.T) {
	t.Parallel()
	const tile, lane = codebook.TileElements, codebook.LaneElements
	sizes := testenv.Pick(
		[]int{0, 1, tile - 1, 2*tile - lane, 8*tile + 3*lane, 1 << 20},
		[]int{0, 1, lane + 1, tile - 1, tile, 2*tile - lane, 2 * tile, 8*tile + 3*lane, 1 << 20}) // as many as there are
	for _, c := range kinds() {
		for _, e := range tiled {
			t.Run(e.name+", "+c.name, func(t *testing.T) {
				k := e.compile(t, &c)
				for i, n := range sizes {
					n = min(n, len(c.weights))
					l := e.launch(t, encodeTiles(t, c.book, c.weights[:n]))
					l.Seed = uint64(i)
					check(t, k, l, c.weights[:n])
					// Misaligned: tensors, the output, both.
					l.Offset, l.OutputOffset = 3*i%5, i%4
					check(t, k, l, c.weights[:n])
					if w := k.ErrorWord(); w != 0 {
						t.Fatalf("%d weights: error word %#x", n, w)
					}
				}
			})
		}
	}
}

// TestTilesOtherBook hands decoders units of a book that they do not have.
func TestTilesOtherBook(t *testing.T) {
	t.Parallel()
	weights := common().weights[:10000]
	s, other := encodeTiles(t, common().book, weights), must(t)(codebook.Published(histogram(weights)))
	check(t, kernelOfKinds(t, 0), host.Launch{Stream: s, Entry: host.Tiles}, weights)
	check(t, tableKernel(t), host.Launch{Stream: s, Entry: host.TilesTable, Table: tableOf(t, encode(t, other, weights))}, weights)
}

// checkTiles launches an entry on a broken unit and holds every tile against the reference: its weights, or NaN and an
// error word that is that of one of the broken tiles.
func checkTiles(t *testing.T, k *host.Kernel, l host.Launch, b *codebook.Book) {
	t.Helper()
	got, err := k.Launch(l)
	if err != nil {
		t.Fatal(err)
	}
	causes := map[codebook.Cause]launch.Cause{
		codebook.NoSuchCode: launch.CodeUnknown, codebook.StreamEnds: launch.StreamEnd, codebook.CountMismatch: launch.LaneEnd,
	}
	faults := map[launch.Error]bool{}
	for tile := 0; len(got) > 0; tile++ {
		want := make([]uint16, min(codebook.TileElements, len(got)))
		if err := codebook.DecodeTile(b, l.Stream, tile, want); err != nil {
			var fault *codebook.TileError
			if !errors.As(err, &fault) {
				t.Fatal(err)
			}
			faults[launch.Error{Cause: causes[fault.Cause], Unit: l.Unit, Chunk: tile}] = true
			want = slices.Repeat([]uint16{poison}, len(want))
		}
		if !slices.Equal(got[:len(want)], want) {
			t.Fatalf("tile %d differs from the reference", tile)
		}
		got = got[len(want):]
	}
	var report *launch.Error
	if err := launch.ParseError(k.ErrorWord()); (err != nil) != (len(faults) > 0) || errors.As(err, &report) && !faults[*report] {
		t.Fatalf("error word says %v, the reference %v", err, faults)
	}
}

// TestTilesHostile changes bytes of every tensor, and of the table.
func TestTilesHostile(t *testing.T) {
	t.Parallel()
	for _, c := range kinds() {
		if c.name != "11 bits" && c.name != "wide tiles" {
			continue
		}
		for _, e := range tiled {
			k := e.compile(t, &c)
			for tensor, name := range []string{"codes", "tiles", "luts", "table"} {
				t.Run(fmt.Sprintf("%s, %s, %s", e.name, c.name, name), func(t *testing.T) {
					for round := range testenv.Pick(5, 20) {
						l := e.launch(t, encodeTiles(t, c.book, c.weights[:9000]))
						damage([][]byte{l.Stream.Encoded, l.Stream.Tiles, l.Stream.Luts, l.Table}[tensor], round)
						l.Seed = uint64(round)
						if tensor < 2 {
							checkTiles(t, k, l, c.book)
						} else if _, err := k.Launch(l); err != nil {
							t.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// TestTilesRecords breaks records in the ways that a decoder has to notice.
func TestTilesRecords(t *testing.T) {
	t.Parallel()
	weights, b := kinds()[0].weights[:3*codebook.TileElements+100], kinds()[0].book
	for _, e := range tiled {
		k := e.compile(t, &kinds()[0])
		for _, c := range []struct {
			name string
			edit func(s *codebook.Stream)
		}{
			{"a bit from one lane to the next", func(s *codebook.Stream) { s.Tiles[40+8+3]++; s.Tiles[40+8+4]-- }},
			{"one bit more", func(s *codebook.Stream) { s.Tiles[40+8+3]++ }},
			{"minimum of 0", func(s *codebook.Stream) { s.Tiles[40+6], s.Tiles[40+7] = 0, 0 }},
			{"largest minimum", func(s *codebook.Stream) { s.Tiles[40+6], s.Tiles[40+7] = 0xfe, 0xff }},
			{"wide by mistake", func(s *codebook.Stream) { s.Tiles[40+6], s.Tiles[40+7] = 0xff, 0xff }},
			{"start beyond the stream", func(s *codebook.Stream) {
				binary.LittleEndian.PutUint64(s.Tiles[40:], binary.LittleEndian.Uint64(s.Tiles[40:])|1<<47)
			}},
			{"start where 32 bits would wrap around", func(s *codebook.Stream) {
				binary.LittleEndian.PutUint64(s.Tiles[40:], binary.LittleEndian.Uint64(s.Tiles[40:])|1<<35)
			}},
			{"start behind the first bit of the stream", func(s *codebook.Stream) { s.Tiles[0]++; s.Tiles[8+5]-- }},
			{"starts exchanged", func(s *codebook.Stream) {
				first := slices.Clone(s.Tiles[40:46])
				copy(s.Tiles[40:46], s.Tiles[80:86])
				copy(s.Tiles[80:86], first)
			}},
			{"a byte more in the stream", func(s *codebook.Stream) { s.Encoded = append(slices.Clip(s.Encoded), 0) }},
			{"a byte less in the stream", func(s *codebook.Stream) { s.Encoded = slices.Clone(s.Encoded[:len(s.Encoded)-1]) }},
		} {
			t.Run(e.name+", "+c.name, func(t *testing.T) {
				for n := 3 * codebook.TileElements; n <= len(weights); n += 100 {
					l := e.launch(t, encodeTiles(t, b, weights[:n]))
					c.edit(l.Stream)
					checkTiles(t, k, l, b)
				}
			})
		}
	}
}

// TestTilesNoSuchCode puts bits that begin no code into units, in the middle of a lane and at the end of one.
func TestTilesNoSuchCode(t *testing.T) {
	t.Parallel()
	for _, c := range kinds()[:4] {
		for _, e := range tiled {
			t.Run(e.name+", "+c.name, func(t *testing.T) {
				k := e.compile(t, &c)
				for seed := range testenv.Pick[uint64](4, 12) {
					l := e.launch(t, encodeTiles(t, c.book, c.weights[:9000]))
					l.Seed = seed
					overwrite(l.Stream.Encoded, int(seed*1997)%(8*len(l.Stream.Encoded)-64), c.book.EndOfStream())
					checkTiles(t, k, l, c.book)
				}
			})
		}
	}
}
