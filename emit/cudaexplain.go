package emit

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
	"github.com/seed54244801/bespoke/templates"
)

// ExplainCUDA tells a person how the parameters of the CUDA kernels were chosen, a line each.
func ExplainCUDA(p *Plan) ([]string, error) {
	c, err := chooseCUDA(p)
	if err != nil {
		return nil, err
	}
	lines := []string{
		"CUDA kernels: the candidates for each parameter and what they cost, in instructions that a warp issues for a",
		"weight of each lane (estimated, sm_90). Rare is the share of warps that leave the straight path.",
	}
	lines = append(lines, explainChoice("decode: weights that a thread merges, prepared ahead for each window", &c.merge,
		[]string{"steps of 8"}, func(s templates.Shape) []int { return []int{s.MergeSteps} })...)
	lines = append(lines, explainChoice("decode: multi-symbol table and lookups of a window", &c.table,
		[]string{"table bits", "digits an entry", "lookups"},
		func(s templates.Shape) []int { return []int{s.TableBits, s.EntryDigits, s.Lookups} })...)
	lines = append(lines, explainChoice("decode_native: threads of a block, windows of a thread", &c.windows,
		[]string{"threads", "windows"},
		func(s templates.Shape) []int { return []int{s.NativeThreads(), s.Windows} })...)
	lines = append(lines, explainChoice("decode_tiles, matvec: lookups of a lane", &c.lanes,
		[]string{"lookups"}, func(s templates.Shape) []int { return []int{s.LaneLookups} })...)
	limits, err := explainLimits(p, c.shape())
	if err != nil {
		return nil, err
	}
	return append(lines, limits...), nil
}

// explainChoice lists the candidates of a choice.
func explainChoice(title string, c *cudaChoice, names []string, values func(templates.Shape) []int) []string {
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
	return append([]string{"", title}, aligned(rows)...)
}

// explainLimits lists what limits on the code length would make of each book with known counts.
func explainLimits(p *Plan, shape templates.Shape) (lines []string, err error) {
	counts, err := p.counts()
	if err != nil || p.Histogram.Total() == 0 {
		return nil, nil // nothing to weigh them by
	}
	for i, b := range p.Books {
		rows := [][]string{{"bits", "bits a weight", "rare", "decode", ""}}
		books, own := limitedBooks(b, &counts[i])
		for k, other := range books {
			size, err := codebook.ExpectedSize(&counts[i], other)
			if err != nil {
				return nil, err
			}
			s := newCUDASample(&Plan{Books: []*codebook.Book{other}, Histogram: counts[i]})
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
		base := kernel.NewCUDABook(b, &counts[i], 1, 1).Base
		lines = append(lines, "", fmt.Sprintf("book %d: longest code; exponents %d to %d are digits", i, base, base+kernel.CUDADigits-1))
		lines = append(lines, aligned(rows)...)
	}
	return lines, nil
}

// limitedBooks returns the books that the counts get with limits on the code length, and which of them is b: the first
// where it is another one.
func limitedBooks(b *codebook.Book, counts *codebook.Histogram) (books []*codebook.Book, own int) {
	own = -1
	for limit := codebook.TableBits; limit <= codebook.MaxLength; limit++ {
		other, err := codebook.Canonical(counts, limit)
		if err != nil || other.MaxLength() < limit { // cannot be, or is the same as with a lower limit
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

// aligned returns the rows as lines, cells to the right.
func aligned(rows [][]string) []string {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range rows {
		last := len(r) - 1
		fmt.Fprintf(w, "%s\t  %s\n", strings.Join(r[:last], "\t"), r[last])
	}
	w.Flush()
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}
