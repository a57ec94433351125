package emit

import (
	"math/rand/v2"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
)

const (
	sampledWarps = 128 // of each book
	warpLanes    = codebook.TileLanes
)

// A cudaSample is what streams of some code books look like to a kernel. Its codes are drawn at random, with the
// frequencies of the histograms. The same input always gives the same sample.
type cudaSample struct {
	codes float64 // that start in a window, on average
	warps []drawnWarp
	tiles []drawnWarp
}

// A drawnWarp holds the codes that the lanes of a warp decode.
type drawnWarp struct {
	share float64 // the share of all weights for which it stands
	lanes [][]drawnCode
}

// A drawnCode is a code of the stream.
type drawnCode struct {
	length int
	digit  bool // its exponent is in the book's run
}

func newCUDASample(books []*codebook.Book, counts []codebook.Histogram) *cudaSample {
	var total float64 // if it is 0, each book has the frequencies that its lengths imply, and all books have equal shares
	for i := range counts {
		total += float64(counts[i].Total())
	}
	s := new(cudaSample)
	for i, b := range books {
		share := 1 / float64(len(books))
		if total > 0 {
			share = float64(counts[i].Total()) / total
		}
		s.add(newCUDASource(b, &counts[i]), share/sampledWarps)
	}
	return s
}

// add draws warps of windows and of lanes of tiles, each of the given share.
func (s *cudaSample) add(from *cudaSource, share float64) {
	at := 0
	for range sampledWarps {
		windows, lanes := drawnWarp{share: share}, drawnWarp{share: share}
		for range warpLanes {
			var codes []drawnCode
			for at < codebook.WindowBits {
				c := from.draw()
				codes = append(codes, c)
				at += c.length
			}
			at -= codebook.WindowBits
			windows.lanes = append(windows.lanes, codes)
			s.codes += share * float64(len(codes)) / warpLanes

			lane := make([]drawnCode, codebook.LaneElements)
			for i := range lane {
				lane[i] = from.draw()
			}
			lanes.lanes = append(lanes.lanes, lane)
		}
		s.warps, s.tiles = append(s.warps, windows), append(s.tiles, lanes)
	}
}

// A cudaWarp holds the windows of a warp, as decoded with a table.
type cudaWarp struct {
	share   float64
	windows []cudaWindow
}

// A cudaWindow is the work of a thread on a window: a number of table entries, including escapes. straight counts
// the entries before the first escape.
type cudaWindow struct {
	entries, straight int
	outlier           bool // an escape is for an exponent outside the run
}

func (s *cudaSample) windows(t cudaTable) []cudaWarp {
	warps := make([]cudaWarp, len(s.warps))
	for i, w := range s.warps {
		warps[i].share = w.share
		for _, codes := range w.lanes {
			warps[i].windows = append(warps[i].windows, t.window(codes))
		}
	}
	return warps
}

// A cudaTile holds the number of lookups that each lane of a tile needs.
type cudaTile struct {
	share   float64
	lookups []int
}

func (s *cudaSample) lanes(t cudaTable) []cudaTile {
	tiles := make([]cudaTile, len(s.tiles))
	for i, w := range s.tiles {
		tiles[i].share = w.share
		for _, codes := range w.lanes {
			tiles[i].lookups = append(tiles[i].lookups, t.lane(codes))
		}
	}
	return tiles
}

// A cudaTable is the width of a multi-symbol table and the largest number of digits of an entry.
type cudaTable struct{ bits, digits int }

// entry returns how many of the codes an entry has, 0 for an escape.
func (t cudaTable) entry(codes []drawnCode) int {
	used, n := 0, 0
	for n < min(t.digits, len(codes)) && codes[n].digit && used+codes[n].length <= t.bits {
		used += codes[n].length
		n++
	}
	return n
}

func (t cudaTable) window(codes []drawnCode) cudaWindow {
	w := cudaWindow{straight: len(codes)}
	for ; len(codes) > 0; w.entries++ {
		n := t.entry(codes)
		if n == 0 {
			w.straight = min(w.straight, w.entries)
			w.outlier = w.outlier || !codes[0].digit
			n = 1
		}
		codes = codes[n:]
	}
	return w
}

// lane counts the lookups of a lane. Lookups after an escape do nothing until the lane's window is filled again.
func (t cudaTable) lane(codes []drawnCode) int {
	const filled = 5 // lookups_a_window of lanes.cuh
	lookups := 0
	for ; len(codes) > 0; lookups++ {
		n := t.entry(codes)
		if n == 0 {
			lookups += filled - 1 - lookups%filled
			n = 1
		}
		codes = codes[n:]
	}
	return lookups
}

// A cudaSource draws codes of a book.
type cudaSource struct {
	random *rand.Rand
	codes  []drawnCode // of the symbols
	sums   []uint64    // of the weights of the symbols up to each
}

// newCUDASource returns a source with the frequencies of the histogram. If the histogram is empty, the code
// lengths imply the frequencies.
func newCUDASource(b *codebook.Book, h *codebook.Histogram) *cudaSource {
	s := &cudaSource{random: rand.New(rand.NewPCG(1, 1))}
	base := int(launch.NewBook(b, h, 1, 1).Base)
	if h.Total() == 0 {
		h = b.Implied()
	}
	var total uint64
	for _, symbol := range b.Symbols() {
		c := b.Code(symbol)
		total += h[symbol]
		s.sums = append(s.sums, total)
		s.codes = append(s.codes, drawnCode{int(c.Length), int(symbol) >= base && int(symbol) < base+launch.Digits})
	}
	return s
}

func (s *cudaSource) draw() drawnCode {
	at, _ := slices.BinarySearch(s.sums, s.random.Uint64N(s.sums[len(s.sums)-1])+1)
	return s.codes[at]
}
