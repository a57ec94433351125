package emit

import (
	"math"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/templates"
)

// The instructions that a warp issues. They are fitted to the machine code for sm_90 of shapes around the usual
// one, which docs/KERNELS.md counts. Those for rare paths are estimates, because other warps of a thread block
// wait meanwhile.
const (
	ofThread      = 157 // start, comparison of the luts, prefix sum
	ofWindow      = 33  // its load and end, putting its digits
	ofEntry       = 5.5 // index, address, load, shift count, half of an addition
	ofStep        = 24  // eight weights of the merge
	ofLateStep    = 50  // a step for which nothing was prefetched
	ofFinish      = 80  // a window that the lookups do not decode
	ofFinishEntry = 50  // an entry of such a window
	ofOutliers    = 40  // every thread of a chunk that has outliers
	ofLane        = 341 // record, codes and merge of a tile
	ofLaneLookup  = 20.3
	ofLateLookup  = 35 // a lookup after the unrolled ones

	maxCUDAShared = 28 << 10
)

// A cudaCandidate is a choice of some parameters, and what it costs.
type cudaCandidate struct {
	shape templates.Shape
	// cost is what a warp issues for a weight of each lane.
	cost float64
	// rare is the share of warps that leave the straight path.
	rare float64
	// shared is the dynamic shared memory in bytes for an average chunk. fits says that the published caller
	// provides so much.
	shared int
	fits   bool
}

// A cudaChoice has the candidates for parameters that are chosen together. best is the index of the cheapest
// candidate that fits, or 0 if none fits.
type cudaChoice struct {
	candidates []cudaCandidate
	best       int
}

func choose(candidates []cudaCandidate) cudaChoice {
	c := cudaChoice{candidates: candidates, best: -1}
	for i := range candidates {
		// Rounded, because some machines compute a*b+c with one rounding and some with two.
		candidates[i].cost = math.Round(candidates[i].cost*1e6) / 1e6
		if candidates[i].fits && (c.best < 0 || candidates[i].cost < candidates[c.best].cost) {
			c.best = i
		}
	}
	c.best = max(c.best, 0)
	return c
}

func (c *cudaChoice) shape() templates.Shape { return c.candidates[c.best].shape }

// cudaChoices are the choices in the order in which they are made. Each keeps the parameters that were chosen
// before.
type cudaChoices struct {
	merge   cudaChoice // MergeSteps
	table   cudaChoice // TableBits, EntryDigits and Lookups, for decode
	windows cudaChoice // Windows, for decode_native
	lanes   cudaChoice // LaneLookups, for decode_tiles
}

// shape returns the parameters of all choices together.
func (c *cudaChoices) shape() templates.Shape { return c.lanes.shape() }

// chooseCUDA estimates what the candidates cost on streams that are drawn from the histograms of the code books.
func chooseCUDA(in *Input) *cudaChoices {
	s := newCUDASample(in.Books, in.countsOrNone())
	c := new(cudaChoices)
	c.merge = s.chooseMerge()
	c.table = s.chooseTable(c.merge.shape())
	c.windows = s.chooseWindows(c.table.shape())
	c.lanes = s.chooseLanes(c.windows.shape())
	return c
}

// chooseMerge weighs steps that are prepared against those that are not.
func (s *cudaSample) chooseMerge() cudaChoice {
	var all []cudaCandidate
	for steps := 2; steps <= templates.MaxMergeSteps; steps++ {
		shape := templates.Shape{MergeSteps: steps}
		all = append(all, cudaCandidate{shape: shape, cost: s.ofMerge(shape) / s.codes, fits: true})
	}
	return choose(all)
}

// ofMerge counts the instructions for a window.
func (s *cudaSample) ofMerge(shape templates.Shape) float64 {
	const group = 8 // weights
	late := s.codes/group - float64(shape.MergeSteps)
	return ofStep*float64(shape.MergeSteps) + ofLateStep*max(late, 0)
}

// chooseTable weighs the width of the table, the digits of its entries and the lookups of a window.
func (s *cudaSample) chooseTable(shape templates.Shape) cudaChoice {
	var all []cudaCandidate
	for shape.TableBits = templates.MinTableBits; shape.TableBits <= templates.MaxTableBits; shape.TableBits++ {
		for shape.EntryDigits = 3; shape.EntryDigits <= templates.MaxEntryDigits; shape.EntryDigits++ {
			windows := s.windows(cudaTable{shape.TableBits, shape.EntryDigits})
			for shape.Lookups = 5; shape.Lookups <= templates.MaxLookups; shape.Lookups++ {
				c := cudaCandidate{shape: shape, shared: s.shared(shape)}
				c.fits = c.shared <= min(maxCUDAShared, s.provided())
				c.cost, c.rare = s.ofDecode(shape, windows, 1)
				all = append(all, c)
			}
		}
	}
	return choose(all)
}

// shared returns the dynamic shared memory that an average chunk takes. provided returns how much the published
// caller gives it.
func (s *cudaSample) shared(shape templates.Shape) int {
	l := launch.Launch{TableBits: shape.TableBits}
	return l.Shared(int(s.codes * codebook.ChunkWindows))
}

func (s *cudaSample) provided() int {
	published := launch.Launch{}
	return published.Shared(int(s.codes * codebook.ChunkWindows))
}

// ofDecode returns the instructions for a weight if each thread decodes the given number of windows. It also
// returns the share of warps in which the lookups do not decode a whole window.
func (s *cudaSample) ofDecode(shape templates.Shape, warps []cudaWarp, windows int) (cost, rare float64) {
	outliers, finish := 0.0, 0.0
	for _, w := range warps {
		left := 0
		for _, window := range w.windows {
			if done := min(window.straight, shape.Lookups); done < window.entries {
				left = max(left, window.entries-done)
			}
			if window.outlier {
				outliers += w.share
			}
		}
		if left > 0 {
			rare += w.share
			finish += w.share * (ofFinish + ofFinishEntry*float64(left))
		}
	}
	const warpsOfChunk = codebook.ChunkWindows / warpLanes
	withOutliers := 1 - math.Exp(-outliers*warpsOfChunk)
	fetch := 2 * float64(int(1)<<shape.TableBits) / 4 / codebook.ChunkWindows // load and store, four words each
	window := ofWindow + fetch + ofLookups(shape) + finish + s.ofMerge(shape)
	return ((ofThread+ofOutliers*withOutliers)/float64(windows) + window) / s.codes, rare
}

// ofLookups counts the instructions of a window's lookups: their parts, and the funnel shifts. The shifts move as
// many words of the stream as later lookups need, and make room in as many words as the digits fill.
func ofLookups(shape templates.Shape) float64 {
	const digitBits, accumulator = 4, 4
	words := func(bits int) int { return (bits + 31) / 32 }
	n := 0.0
	for i := range shape.Lookups {
		n += ofEntry
		n += float64(min(words((i+1)*shape.EntryDigits*digitBits), accumulator))
		n += float64(words((shape.Lookups - i - 1) * shape.TableBits))
	}
	return n
}

// chooseWindows weighs the numbers of threads in a thread block of decode_native.
func (s *cudaSample) chooseWindows(shape templates.Shape) cudaChoice {
	warps := s.windows(cudaTable{shape.TableBits, shape.EntryDigits})
	var all []cudaCandidate
	for shape.Windows = 1; shape.Windows <= templates.MaxWindows; shape.Windows++ {
		c := cudaCandidate{shape: shape, shared: s.shared(shape), fits: true}
		c.cost, c.rare = s.ofDecode(shape, warps, shape.Windows)
		all = append(all, c)
	}
	return choose(all)
}

// chooseLanes weighs the number of lookups that all lanes of a tile do. More lookups follow if a lane needs them.
func (s *cudaSample) chooseLanes(shape templates.Shape) cudaChoice {
	tiles := s.lanes(cudaTable{shape.TableBits, shape.EntryDigits})
	var all []cudaCandidate
	for n := 4 * templates.FlushLookups; n <= templates.MaxLaneLookups; n += templates.FlushLookups {
		shape.LaneLookups = n
		c := cudaCandidate{shape: shape, fits: true, cost: ofLane + ofLaneLookup*float64(n)}
		for _, t := range tiles {
			if needed := slices.Max(t.lookups); needed > n {
				c.rare += t.share
				c.cost += t.share * ofLateLookup * float64(needed-n)
			}
		}
		c.cost /= codebook.LaneElements
		all = append(all, c)
	}
	return choose(all)
}
