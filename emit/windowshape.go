package emit

import (
	"fmt"
	"math"

	"github.com/seed54244801/bespoke/avo"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/windows"
)

// The costs in cycles of a core, fitted to measurements of models on Sapphire Rapids: of a window without long
// codes, of each step of half a phase that looks long codes up, and of a window that is left to Go.
const (
	windowCost     = 10
	narrowStepCost = 0.25
	wideStepCost   = 0.55
	mendCost       = 300
)

// longSteps are the sets of steps of half a phase that may look up long codes. A decoder has one of them.
var longSteps = [][]int{{}, {3}, {1, 3}}

// mostMended is the largest share of windows that may be left to Go. With more, the decoder does not pay.
const mostMended = 0.05

// windowName is the name of the decoder of windows in a generated package.
const windowName = "decodeWindows"

// A windowShape is a candidate for the shape of the decoder of windows, with what it costs.
type windowShape struct {
	avo.Windows
	mended float64 // the share of windows that are left to Go
	cost   float64 // cycles a weight
}

// windowChoice is the choice of the decoder of windows. A package has one such decoder.
type windowChoice struct {
	fits       []bool // by book: it can be decoded by windows, and most windows in assembly
	candidates []windowShape
	best       int // -1 for none: no book can be
}

// chooseWindows weighs all shapes by the books and their counts.
func chooseWindows(in *Input) windowChoice {
	c := windowChoice{fits: make([]bool, len(in.Books)), best: -1}
	counts := in.countsOrNone()
	var samples []windowSample
	for i, b := range in.Books {
		tables, err := windows.NewTables(b)
		if err != nil {
			continue
		}
		s := newWindowSample(b, tables, &counts[i])
		if c.fits[i] = s.mended(longSteps[len(longSteps)-1], true) <= mostMended; c.fits[i] {
			samples = append(samples, s)
		}
	}
	if len(samples) == 0 {
		return c
	}
	for _, long := range longSteps {
		for _, wide := range []bool{false, true} {
			if wide && len(long) == 0 {
				continue
			}
			s := windowShape{Windows: avo.Windows{Name: windowName, Long: long, Wide: wide}}
			s.weigh(samples)
			c.candidates = append(c.candidates, s)
			if c.best < 0 || s.cost < c.candidates[c.best].cost {
				c.best = len(c.candidates) - 1
			}
		}
	}
	return c
}

// WindowShape returns the shape of the decoder of windows that [Assembly] assembles for a plan. ok is false if no
// book can be decoded by windows. fits says which books can.
func (p *Plan) WindowShape() (shape avo.Windows, fits []bool, ok bool) {
	c := &p.windows
	if c.best < 0 {
		return avo.Windows{}, c.fits, false
	}
	return c.candidates[c.best].Windows, c.fits, true
}

// weigh computes what the shape costs, and for how many merges it has symbols.
func (s *windowShape) weigh(samples []windowSample) {
	cost := windowCost + narrowStepCost*float64(len(s.Long))
	if s.Wide {
		cost = windowCost + wideStepCost*float64(len(s.Long))
	}
	count, symbols := 0.0, 0.0
	for i := range samples {
		mended := samples[i].mended(s.Long, s.Wide)
		s.mended += samples[i].windows * mended
		s.cost += samples[i].windows * (cost + mended*mendCost)
		count += samples[i].windows
		symbols += samples[i].windows * samples[i].symbols
	}
	s.mended /= count
	s.cost /= symbols
	merges := symbols / count * windows.BlockWindows / windows.MergeWords / (2 * windows.Phases)
	s.Merges = min(avo.MaxMerges, int(merges+0.5))
}

// A windowSample is what a decoder of windows finds in the stream of a book.
type windowSample struct {
	tables  *windows.Tables
	lengths [codebook.MaxLength + 1]float64 // the share of symbols with codes of each length
	symbols float64                         // the number of symbols in a window
	windows float64                         // the number of windows in the stream
}

// newWindowSample makes a sample of a book. If there are no counts, the code lengths imply how likely symbols are.
func newWindowSample(b *codebook.Book, tables *windows.Tables, counts *codebook.Histogram) windowSample {
	s := windowSample{tables: tables, windows: 1}
	share := func(symbol uint8, length uint8) float64 { return 1 / float64(uint64(1)<<length) }
	if total := counts.Total(); total > 0 {
		share = func(symbol uint8, _ uint8) float64 { return float64(counts[symbol]) / float64(total) }
	}
	bits := 0.0
	for _, symbol := range b.Symbols() {
		length := b.Code(symbol).Length
		s.lengths[length] += share(symbol, length)
		bits += float64(length) * share(symbol, length)
	}
	s.symbols = codebook.WindowBits / bits
	if total := counts.Total(); total > 0 {
		s.windows = float64(total) / s.symbols
	}
	return s
}

// phaseBits is the number of bits of a phase.
const phaseBits = codebook.WindowBits / windows.Phases

// mended returns the share of windows that a decoder leaves to Go: windows with codes that its tables do not
// cover, and windows with so many long codes in a phase that its steps do not suffice.
func (s *windowSample) mended(long []int, wide bool) float64 {
	covered := s.tables.Covers(wide)
	if len(long) == 0 {
		covered = windows.ShortBits
	}
	isLong, uncovered := 0.0, 0.0
	for length, share := range s.lengths {
		switch {
		case length > covered:
			uncovered += share
		case length > windows.ShortBits:
			isLong += share
		}
	}
	looksUp := [windows.PhaseSteps]bool{}
	for _, step := range long {
		looksUp[step] = true
		looksUp[step+windows.PhaseSteps/2] = true
	}
	// start holds the shares of lanes by the bit at which they begin a phase, and late the share of lanes that do
	// not finish it.
	start := [phaseBits]float64{0: 1}
	late := 0.0
	for range 4 * windows.Phases { // until the shares are the same for every phase
		start, late = s.phase(start, isLong, covered, looksUp)
	}
	return 1 - math.Pow(1-late, windows.Phases)*math.Pow(1-min(1, uncovered), s.symbols)
}

// phase follows lanes that begin a phase at given bits. It returns at which bits the lanes that finish it begin
// the next one, and the share of the other lanes.
func (s *windowSample) phase(start [phaseBits]float64, isLong float64, covered int, looksUp [windows.PhaseSteps]bool) (next [phaseBits]float64, late float64) {
	const end = phaseBits + codebook.MaxLength
	var at, waiting [end]float64 // shares of lanes by bit: at a code not looked up yet, and at a long code
	copy(at[:], start[:])
	for _, resolves := range looksUp {
		var then, wait [end]float64
		for bit := range end {
			if bit >= phaseBits {
				then[bit] += at[bit]
				continue
			}
			stuck := waiting[bit]
			for length, share := range s.lengths {
				switch {
				case share == 0 || length > covered:
				case length <= windows.ShortBits:
					then[bit+length] += at[bit] * share
				case resolves:
					then[bit+length] += at[bit]*share + waiting[bit]*share/isLong
					stuck = 0
				default:
					stuck += at[bit] * share
				}
			}
			wait[bit] = stuck
		}
		at, waiting = then, wait
	}
	total := 0.0
	for bit := range end {
		if bit < phaseBits {
			late += at[bit] + waiting[bit]
			continue
		}
		next[min(bit-phaseBits, phaseBits-1)] += at[bit]
		total += at[bit]
	}
	if total == 0 { // all lanes are late, so where the next phase begins does not matter
		return start, 1
	}
	for bit := range next {
		next[bit] /= total
	}
	return next, late / (late + total)
}

// ExplainCPU tells how the shape of the decoder for CPUs was chosen. Costs are estimated cycles for a weight.
func ExplainCPU(p *Plan) []Explanation {
	c := &p.windows
	rows := [][]string{{"long codes in", "bits looked up", "merges", "left to Go", "cost", ""}}
	for i, s := range c.candidates {
		bits := fmt.Sprint(s.LongBits())
		if len(s.Long) == 0 {
			bits = "none"
		}
		note := ""
		if i == c.best {
			note = "chosen"
		}
		rows = append(rows, []string{
			fmt.Sprintf("%d of 4 steps", len(s.Long)), bits, fmt.Sprint(s.Merges), fmt.Sprintf("%.3f %%", 100*s.mended),
			fmt.Sprintf("%.3f", s.cost), note,
		})
	}
	if c.best < 0 {
		rows = append(rows, []string{"none: the codes cannot be decoded by windows", "", "", "", "", ""})
	}
	return []Explanation{{"AVX-512: steps that look up codes of more than 6 bits, and by how many bits", rows}}
}
