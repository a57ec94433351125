package emit

import (
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/templates"
)

// An Explanation is a table that tells a person how a parameter of the kernels was chosen. The first row
// names the columns; costs are instructions that a warp issues for a weight of each lane.
type Explanation struct {
	Title string
	Rows  [][]string
}

// ExplainCUDA tells how the plan's parameters were chosen, in the order of the choices.
func ExplainCUDA(p *Plan) ([]Explanation, error) {
	c := p.cuda
	all := []Explanation{
		explainChoice("decode: weights that a thread merges, prepared ahead for each window", &c.merge,
			[]string{"steps of 8"}, func(s templates.Shape) []int { return []int{s.MergeSteps} }),
		explainChoice("decode: multi-symbol table and lookups of a window", &c.table,
			[]string{"table bits", "digits an entry", "lookups"},
			func(s templates.Shape) []int { return []int{s.TableBits, s.EntryDigits, s.Lookups} }),
		explainChoice("decode_native: threads of a block, windows of a thread", &c.windows,
			[]string{"threads", "windows"},
			func(s templates.Shape) []int { return []int{s.NativeThreads(), s.Windows} }),
		explainChoice("decode_tiles, matvec: lookups of a lane", &c.lanes,
			[]string{"lookups"}, func(s templates.Shape) []int { return []int{s.LaneLookups} }),
	}
	limits, err := explainLimits(p, c.shape())
	if err != nil {
		return nil, err
	}
	return append(all, limits...), nil
}

// explainChoice lists the candidates of a choice.
func explainChoice(title string, c *cudaChoice, names []string, values func(templates.Shape) []int) Explanation {
	var rows [][]string
	rows = append(rows, append(names, "rare", "shared bytes", "cost", ""))
	for i, candidate := range c.candidates {
		var row []string
		for _, v := range values(candidate.shape) {
			row = append(row, fmt.Sprint(v))
		}
		shared := ""
		if candidate.shared > 0 {
			shared = fmt.Sprint(candidate.shared)
		}
		row = append(row, fmt.Sprintf("%.2f %%", 100*candidate.rare), shared, fmt.Sprintf("%.2f", candidate.cost))
		switch {
		case i == c.best:
			row = append(row, "chosen")
		case !candidate.fits:
			row = append(row, "does not fit")
		default:
			row = append(row, "")
		}
		rows = append(rows, row)
	}
	return Explanation{title, rows}
}

// explainLimits lists, for each book with known counts, what limits on the code length would change.
func explainLimits(p *Plan, shape templates.Shape) (all []Explanation, err error) {
	counts, err := p.counts()
	if err != nil || p.Histogram.Total() == 0 {
		return nil, nil // without counts nothing can be compared
	}
	for i, b := range p.Books {
		rows := [][]string{{"bits", "bits a weight", "rare", "decode", ""}}
		books, own := limitedBooks(b, &counts[i])
		for k, other := range books {
			size, err := codebook.ExpectedSize(&counts[i], other)
			if err != nil {
				return nil, err
			}
			s := newCUDASample([]*codebook.Book{other}, counts[i:i+1])
			cost, rare := s.ofDecode(shape, s.windows(cudaTable{shape.TableBits, shape.EntryDigits}), 1)
			note := ""
			if k == own {
				note = "the book's"
			}
			rows = append(rows, []string{
				fmt.Sprint(other.MaxLength()), fmt.Sprintf("%.4f", 8*float64(size.Total())/float64(counts[i].Total())),
				fmt.Sprintf("%.2f %%", 100*rare), fmt.Sprintf("%.2f", cost), note,
			})
		}
		base := launch.NewBook(b, &counts[i], 1, 1).Base
		title := fmt.Sprintf("book %d: longest code; exponents %d to %d are digits", i, base, base+launch.Digits-1)
		all = append(all, Explanation{title, rows})
	}
	return all, nil
}

// limitedBooks returns the books that the counts get with limits on the code length, and the index of b among
// them. If none of them is b, b is put first.
func limitedBooks(b *codebook.Book, counts *codebook.Histogram) (books []*codebook.Book, own int) {
	own = -1
	for limit := codebook.TableBits; limit <= codebook.MaxLength; limit++ {
		other, err := codebook.Canonical(counts, limit)
		if err != nil || other.MaxLength() < limit { // impossible, or the same as with a lower limit
			continue
		}
		if other.Fingerprint() == b.Fingerprint() {
			own = len(books)
		}
		books = append(books, other)
	}
	if own < 0 {
		return append([]*codebook.Book{b}, books...), 0
	}
	return books, own
}
