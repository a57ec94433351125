package emit

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/seed54244801/bespoke/codebook"
)

// bfloat16Bits is the size of a weight before compression, in bits.
const bfloat16Bits = 16

// comment writes the doc comment of a generated package: lines about all of it, and its figures.
func comment(f *jen.File, figures []string, about ...string) {
	lines := append(about, "", "# Figures", "")
	for _, line := range figures {
		lines = append(lines, "\t"+line)
	}
	for _, line := range lines {
		f.PackageComment(strings.TrimRight("// "+line, " "))
	}
}

// Figures sums up the plan as a table of lines: weights, exponents, expected size, code books.
func Figures(p *Plan) []string { return figureLines(figures(p)) }

func figureLines(all []figure) (lines []string) {
	for _, f := range all {
		lines = append(lines, fmt.Sprintf("%-14s %s", f.name, f.value))
	}
	return lines
}

// A figure is a line of the table of figures.
type figure struct{ name, value string }

func figures(p *Plan) []figure {
	total := p.Histogram.Total()
	weights := count(total)
	if p.Units > 0 {
		weights += fmt.Sprintf(" in %s", plural(p.Units, "unit"))
	}
	all := []figure{
		{"weights", weights},
		{"exponents", exponents(&p.Histogram)},
	}
	if expected := p.Expected.Total(); total > 0 && expected > 0 {
		all = append(all, figure{"expected size", sizeOf(expected, total)})
	}
	all = append(all, figure{"code books", p.Hash()})
	for i, b := range p.Books {
		all = append(all, figure{fmt.Sprintf("book %d", i), b.Fingerprint().String()},
			figure{"", describe(b)})
	}
	return all
}

// sizeOf says how much so many bytes of so many weights are.
func sizeOf(bytes, weights uint64) string {
	bits := 8 * float64(bytes) / float64(weights)
	return fmt.Sprintf("%.4f bits a weight, %.2f %% of bfloat16", bits, 100*bits/bfloat16Bits)
}

// exponents sums up a histogram.
func exponents(h *codebook.Histogram) string {
	return fmt.Sprintf("%d distinct, entropy %.4f bits", h.Distinct(), h.Entropy())
}

// describe sums up a code book.
func describe(b *codebook.Book) string {
	kind := "canonical"
	if !b.Canonical() {
		kind = "not canonical"
	}
	lengths := fmt.Sprintf("%d to %d bits", b.MinLength(), b.MaxLength())
	if b.MinLength() == b.MaxLength() {
		lengths = plural(b.MinLength(), "bit")
	}
	return fmt.Sprintf("%s of %s, %s", plural(len(b.Symbols()), "code"), lengths, kind)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(uint64(n)) + " " + noun + "s"
}
