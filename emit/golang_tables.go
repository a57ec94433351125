package emit

import (
	"fmt"
	"strconv"

	"github.com/dave/jennifer/jen"
	"github.com/dustin/go-humanize"

	"github.com/seed54244801/bespoke/codebook"
)

// tables declares the counts and the code of book i, with one symbol on each line.
//
// A canonical code is written as its lengths, with the code words that follow from them as comments. Any other
// code is written as its code words.
func tables(f *jen.File, p *Plan, i int, counts *codebook.Histogram) {
	book := p.Books[i]
	name := numbered("counts", i)
	f.Line()
	f.Commentf("%s counts the exponents of the %s weights coded with book %d.", name, count(counts.Total()), i)
	f.Var().Id(name).Op("=").Qual(codebookPath, "Histogram").
		Add(rows(book, func(s uint8) (jen.Code, string) { return jen.Id(strconv.FormatUint(counts[s], 10)), magnitude(s) }))

	f.Line()
	if book.Canonical() {
		name = numbered("lengths", i)
		f.Commentf("%s gives the code length of every exponent in book %d. The code is canonical: the code", name, i)
		f.Comment("words, here behind the lengths with their share of the weights, follow from the lengths.")
		f.Var().Id(name).Op("=").Index(jen.Lit(256)).Uint8().
			Add(rows(book, func(s uint8) (jen.Code, string) {
				code := book.Code(s)
				return jen.Lit(int(code.Length)), fmt.Sprintf("%-*s %s", book.MaxLength(), code, share(counts, s))
			}))
		return
	}
	name = numbered("codes", i)
	f.Commentf("%s gives the code word of every exponent in book %d, and behind it its share of the weights.", name, i)
	f.Var().Id(name).Op("=").Index(jen.Lit(256)).Qual(codebookPath, "Code").
		Add(rows(book, func(s uint8) (jen.Code, string) {
			return jen.Values(codeFields(book.Code(s))...), share(counts, s)
		}))
}

// newBook is the expression that makes book i from its table.
func newBook(p *Plan, i int) jen.Code {
	eos := p.Books[i].EndOfStream()
	if p.Books[i].Canonical() {
		return jen.Id("must").Call(jen.Qual(codebookPath, "NewCanonical").
			Call(jen.Op("&").Id(numbered("lengths", i)), jen.Lit(int(eos.Length))))
	}
	return jen.Id("must").Call(jen.Qual(codebookPath, "NewBook").
		Call(jen.Op("&").Id(numbered("codes", i)), jen.Qual(codebookPath, "Code").Values(codeFields(eos)...)))
}

// codeFields lists the fields of a codebook.Code literal. There are none for an absent code.
func codeFields(c codebook.Code) []jen.Code {
	if c.Length == 0 {
		return nil
	}
	return []jen.Code{
		jen.Id("Length").Op(":").Lit(int(c.Length)),
		jen.Id("Bits").Op(":").Op("0b" + c.String()),
	}
}

// rows returns the body of an array literal with the symbols of a book as keys. Each symbol is on a line of its
// own, followed by a comment.
func rows(book *codebook.Book, row func(symbol uint8) (value jen.Code, comment string)) jen.Code {
	var elements []jen.Code
	for _, s := range book.Symbols() {
		value, comment := row(s)
		elements = append(elements, jen.Lit(int(s)).Op(":").Add(value).Op(",").Comment(comment))
	}
	return jen.Custom(jen.Options{Open: "{", Close: "}", Multi: true}, elements...)
}

// magnitude says which absolute values have the given exponent.
func magnitude(exponent uint8) string {
	if exponent == 0 {
		return "zero and subnormal"
	}
	return fmt.Sprintf("|w| from 2^%d", int(exponent)-127)
}

// share returns the share of the weights that have the given exponent.
func share(counts *codebook.Histogram, exponent uint8) string {
	total := counts.Total()
	if total == 0 {
		return "unused"
	}
	return fmt.Sprintf("%8.4f %%", 100*float64(counts[exponent])/float64(total))
}

// count writes a number with separated thousands.
func count(n uint64) string { return humanize.Comma(int64(n)) }
