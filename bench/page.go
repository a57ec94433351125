package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/dustin/go-humanize"

	"github.com/seed54244801/bespoke/internal/ui"
)

//go:embed page.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"about": about,
	"comma": func(n int) string { return humanize.Comma(int64(n)) },
	"mib":   func(n int64) string { return humanize.Comma(n >> 20) },
	"all": func(m *measured) string {
		return spread(m, func(m *measured) string { return span3(m.All.Median, m.All.Low, m.All.High) })
	},
	"quiet":   func(m *measured) string { return spread(m, quietFigure) },
	"both":    both,
	"threads": func(n int) string { return ui.Plural(uint64(n), "thread") },
	"bits": func(b float64) string {
		if b == 0 {
			return "–"
		}
		return fmt.Sprintf("%.2f", b)
	},
	"seconds": func(lo, hi float64) string { return fmt.Sprintf("%.2f–%.2f", lo, hi) },
}).Parse(pageText))

// fewQuiet is the smallest number of quiet rounds whose median is shown.
const fewQuiet = 10

func spread(m *measured, show func(*measured) string) string {
	if m == nil {
		return ""
	}
	return show(m)
}

func span3(median, low, high float64) string {
	return fmt.Sprintf("%s (%s–%s)", figure(median), figure(low), figure(high))
}

// figure shows at least two digits.
func figure(v float64) string {
	if v < 0.1 {
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// quietFigure shows the median of the quiet rounds and their number.
func quietFigure(m *measured) string {
	if m.Quiet.N < fewQuiet {
		return fmt.Sprintf("– [%d]", m.Quiet.N)
	}
	return fmt.Sprintf("%s [%d]", figure(m.Quiet.Median), m.Quiet.N)
}

// both shows the medians of all rounds and of the quiet ones.
func both(m *measured) string {
	switch {
	case m == nil:
		return "–"
	case m.Quiet.N < fewQuiet:
		return figure(m.All.Median) + " / –"
	}
	return figure(m.All.Median) + " / " + figure(m.Quiet.Median)
}

// abouts says what each contender is, by name.
var abouts = map[string]string{
	memcpyName:               "Go's `copy`, one call a thread",
	memcpyBlocks:             "Go's `copy`, 64 KiB at a time",
	rooflineName:             "reads 1.34 bytes and writes 2 for each weight, no more",
	"rans-avx512":            "rANS, form `exponent`, the runtime's AVX-512 decoder: what runs by default where it can",
	"rans-avx2":              "rANS, the same streams, the runtime's AVX2 decoder",
	"rans-generic":           "rANS, the same streams, portable Go",
	"avx512-emitted":         "DF11, the AVX-512 decoder that `bespoke generate` emits for these code books",
	"avx512-table":           "DF11, the runtime's AVX-512 decoder for any code book, the same stream",
	"avx512-table-published": "the same, code books of the published encoder (natural length)",
	"avx2-table":             "DF11, the runtime's AVX2 decoder for any code book, the same stream",
	"avx2-table-published":   "the same, code books of the published encoder (natural length)",
	"auto":                   "DF11, what runs if none is asked for: the one measured to be faster",
	"generic":                "DF11, portable Go, the same stream",
	bf16Name:                 "bf16 weights from memory, `runtime.MultiplyWeights`",
	matrixRANSName:           "`runtime.Matrix` of weights that stay in rANS, form `exponent`",
	matrixDF11Name:           "`runtime.Matrix` of weights that stay in DF11",
	torchName:                "PyTorch's own bf16 linear layer on the CPU, bf16 weights from memory and bf16 results",
	"bespoke-rans":           "rANS: symbols counted, table, states, plane, checksums; a table for each tensor",
	"bespoke-df11":           "DF11: histogram, code book, stream, gaps, positions",
	"klauspost-zstd-1":       "klauspost/compress zstd, fastest level; exponents only",
	"klauspost-huff0":        "klauspost/compress huff0; exponents only",
	"libzstd-1":              "zstd's own library, level 1; exponents only",
	htscodecsName:            "rANS of order 0, 32 states; exponents only",
	"zipnn":                  "ZipNN, whole words, called from Python",
	"dfloat11":               "the published encoder, 16,384 weights a round",
}

// about describes a contender.
func about(name string) string {
	if of, ok := strings.CutPrefix(name, memcpyName+" of "); ok {
		return "the same copy in the process of " + of
	}
	if large, ok := cutSmall(name); ok {
		return fmt.Sprintf("%s, units of 64 Ki weights", large)
	}
	if piece, ok := strings.CutSuffix(name, wholeSuffix); ok {
		return fmt.Sprintf("%s, the whole unit in one call", piece)
	}
	if exponent, ok := strings.CutSuffix(name, jointSuffix); ok {
		return fmt.Sprintf("%s, form `joint`", exponent)
	}
	return abouts[name]
}

// cutSmall returns the name of the contender that decodes large units in the same way as this contender decodes
// small ones.
func cutSmall(name string) (string, bool) { return strings.CutSuffix(name, smallSuffix) }

// Decode returns the tables of decoders, Encode those of encoders.
func (r *report) Decode() []*table { return r.tables("decode") }

// Encode returns the tables of encoders.
func (r *report) Encode() []*table { return r.tables("encode") }

func (r *report) tables(do string) []*table {
	var list []*table
	for _, t := range r.Tables {
		if t.Do == do {
			list = append(list, t)
		}
	}
	return list
}

// Batches returns the rows of a table of products with n threads, by batch.
func (t *table) Batches(n int) []*row {
	list := t.rows(func(r *row) bool { return r.Threads == n && r.Batch > 0 })
	slices.SortStableFunc(list, func(a, b *row) int { return cmp.Compare(a.Batch, b.Batch) })
	return list
}

// With returns the rows of contenders with n threads, small units left out.
func (t *table) With(n int) []*row {
	return t.rows(func(r *row) bool { return r.Threads == n && r.Large == nil })
}

// Small returns the rows of contenders that decode small units.
func (t *table) Small() []*row { return t.rows(func(r *row) bool { return r.Large != nil }) }

// Chosen returns the rows of decoders that chose among others.
func (t *table) Chosen() []*row { return t.rows(func(r *row) bool { return r.Rivals != nil }) }

// Why returns what the first of these rows says of its choice, without the code books.
func (t *table) Why() string {
	why, _, _ := strings.Cut(t.Chosen()[0].Choice, ";")
	return why
}

// Chosen returns the name of the decoder that ran.
func (r *row) Chosen() string {
	name, _, _ := strings.Cut(r.Choice, ":")
	return name
}

// Scaling returns the rows that were measured with one thread as well.
func (t *table) Scaling() []*row {
	return t.rows(func(r *row) bool { return r.One != nil && r.Threads > 1 })
}

func (t *table) rows(want func(*row) bool) []*row {
	var list []*row
	for _, r := range t.Rows {
		if want(r) {
			list = append(list, r)
		}
	}
	return list
}

// Threads returns the numbers of threads of the table.
func (t *table) Threads() []int {
	var list []int
	for n := 1; len(list) < len(t.Probe); n++ {
		if _, ok := t.Probe[n]; ok {
			list = append(list, n)
		}
	}
	return list
}

// Label returns the name of the data and the number of its copies.
func (t *table) Label() string {
	if t.Copies > 1 {
		return fmt.Sprintf("%s × %d", t.Data, t.Copies)
	}
	return t.Data
}

// Between returns the numbers of weights of the smallest and of the largest unit.
func (t *table) Between() string {
	least, most := humanize.Comma(int64(t.UnitSizes[0])), humanize.Comma(int64(t.UnitSizes[1]))
	if least == most {
		return least
	}
	return least + " to " + most
}

// Repeated reports whether there are several copies of any model.
func (r *report) Repeated() bool {
	return slices.ContainsFunc(r.Tables, func(t *table) bool { return t.Copies > 1 })
}

// write writes the page.
func (r *report) write(w io.Writer) error { return pageTemplate.Execute(w, r) }

func (r *report) writeFile(path string) error {
	var page bytes.Buffer
	if err := r.write(&page); err != nil {
		return err
	}
	return os.WriteFile(path, page.Bytes(), 0o644)
}

func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
