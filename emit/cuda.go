package emit

import (
	"fmt"
	"math"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/templates"
)

// cudaTableBits is the width of the multi-symbol tables of the CUDA kernel. 8 KiB a table are within
// the shared memory that the published kernel's caller provides from 6,200 elements a chunk on.
const cudaTableBits = 12

// CUDA renders decode.cu: the kernel that takes the published kernel's place, with the tables of
// the plan's code books as constants.
func CUDA(p *Plan) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	d := &templates.Decode{Header: p.Header(), Comment: cudaComment(p), TableBits: cudaTableBits, Lookups: 7}
	for i, b := range p.Books {
		book, err := cudaBook(b)
		if err != nil {
			return nil, fmt.Errorf("emit: decode.cu: code book %d: %w", i, err)
		}
		d.Books = append(d.Books, *book)
	}
	source, err := d.Render()
	if err != nil {
		return nil, fmt.Errorf("emit: decode.cu: %w", err)
	}
	return source, nil
}

// cudaBook lays out the tables of a code book.
func cudaBook(b *codebook.Book) (*templates.DecodeBook, error) {
	base := heaviestRun(b)
	pad, padded := unusedWindow(b)
	entries := codebook.MultiTable(b, cudaTableBits, templates.MaxDigits)
	table := make([]uint32, len(entries))
	for i, e := range entries {
		var err error
		if !padded {
			break // every code is an escape: nothing tells where a window ends
		}
		if table[i], err = cudaEntry(b, base, e.Symbols); err != nil {
			return nil, fmt.Errorf("table entry %d: %w", i, err)
		}
	}
	return &templates.DecodeBook{Base: base, Pad: pad, Luts: b.Luts(), Table: table}, nil
}

// cudaEntry packs the symbols of a window up to the first that is no digit.
func cudaEntry(b *codebook.Book, base uint8, symbols []uint8) (uint32, error) {
	var digits []uint8
	var all uint8
	for _, s := range symbols {
		if s < base || s-base >= templates.DigitRange {
			break
		}
		digits = append(digits, s-base)
		all += b.Code(s).Length
	}
	if len(digits) == 0 {
		return 0, nil
	}
	return templates.Entry(digits, all)
}

// unusedWindow returns a window that begins with bits that no code does, and whether there is one: that of the
// end of stream and then ones, for books that have it, so that it is the same for all canonical ones.
func unusedWindow(b *codebook.Book) (uint32, bool) {
	if eos := b.EndOfStream(); eos.Length > 0 {
		return eos.Bits<<(codebook.MaxLength-eos.Length) | (1<<(codebook.MaxLength-eos.Length) - 1), true
	}
	window := uint64(0)
	for window < 1<<codebook.MaxLength {
		_, length := b.Decode(uint32(window))
		if length == 0 {
			return uint32(window), true
		}
		window += 1 << (codebook.MaxLength - length)
	}
	return 0, false
}

// heaviestRun returns the first of the 16 neighbouring exponents that the code expects most often, among those
// that start at an even one: a code of n bits stands for a probability of 2^-n. Among equals it is the lowest.
func heaviestRun(b *codebook.Book) uint8 {
	const last = codebook.MaxSymbol - templates.DigitRange + 1
	best, heaviest := uint8(0), -1.0
	for base := 0; base <= last; base += 2 {
		weight := 0.0
		for s := base; s < base+templates.DigitRange; s++ {
			if n := b.Code(uint8(s)).Length; n > 0 {
				weight += math.Ldexp(1, -int(n))
			}
		}
		if weight > heaviest {
			best, heaviest = uint8(base), weight
		}
	}
	return best
}

// cudaComment is what a reader of decode.cu learns of the model, by lines: its figures, and every
// code book as symbols and codes.
func cudaComment(p *Plan) []string {
	lines := []string{fmt.Sprintf("The DF11 decoder of %s: the published kernel's entry, cut to this model's code.", p.Model), ""}
	for _, f := range figures(p) {
		lines = append(lines, fmt.Sprintf("  %-16s %s", f.name, f.value))
	}
	for i, b := range p.Books {
		counts := &p.Histogram
		if i < len(p.Counts) {
			counts = &p.Counts[i]
		}
		lines = append(lines, "", fmt.Sprintf("Code book %d: exponent, share of the weights it codes, bits, code.", i), "")
		lines = append(lines, cudaCodes(b, counts)...)
	}
	return lines
}

// cudaCodes lists the codes of a book.
func cudaCodes(b *codebook.Book, counts *codebook.Histogram) (lines []string) {
	total := float64(max(counts.Total(), 1))
	for _, s := range b.Symbols() {
		c := b.Code(s)
		lines = append(lines, fmt.Sprintf("  %3d  %8.4f %%  %2d  %s", s, 100*float64(counts[s])/total, c.Length, c))
	}
	if eos := b.EndOfStream(); eos.Length > 0 {
		lines = append(lines, fmt.Sprintf("  end of stream    %2d  %s", eos.Length, eos))
	}
	return lines
}
