package main

import (
	"slices"

	"github.com/seed54244801/bespoke/runtime"
)

// A summary is the first table of the page: a row for each data set, for a number of threads.
type summary struct {
	Threads int
	Columns []string
	Rows    []summaryRow
}

// Pictured returns the figures of a row that the picture shows.
func (r *summaryRow) Pictured() []*measured {
	var list []*measured
	for _, name := range pictured {
		list = append(list, r.Of[slices.Index(summaryColumns, name)])
	}
	return list
}

// A summaryRow is a data set: the rate of memcpy, and what parts of it the decoders reach, by column. A decoder
// that was not measured is nil.
type summaryRow struct {
	Data   string
	Memcpy *measured
	Of     []*measured
}

// summaryColumns are the decoders that the first table compares, those of rANS first.
var summaryColumns = []string{
	ransName(runtime.AVX512), ransName(runtime.AVX512) + jointSuffix, ransName(runtime.AVX2), ransName(runtime.Generic),
	emittedName(runtime.AVX512), tableName(runtime.AVX512), tableName(runtime.AVX2), runtime.Auto, runtime.Generic,
}

// pictured are those of them that the picture shows.
var pictured = []string{
	ransName(runtime.AVX512), ransName(runtime.AVX512) + jointSuffix, ransName(runtime.AVX2), emittedName(runtime.AVX512), tableName(runtime.AVX2),
}

// SummaryColumns lists the decoders of the first table.
func (r *report) SummaryColumns() []string { return summaryColumns }

// Summary returns the first tables, one for each number of threads.
func (r *report) Summary() []summary {
	byThreads := make(map[int]*summary)
	most := 0
	for _, t := range r.Decode() {
		for _, n := range t.Threads() {
			if byThreads[n] == nil {
				byThreads[n] = &summary{Threads: n, Columns: summaryColumns}
			}
			byThreads[n].Rows = append(byThreads[n].Rows, t.summaryRow(n))
			most = max(most, n)
		}
	}
	var list []summary
	for n := 1; n <= most; n++ {
		if s := byThreads[n]; s != nil {
			list = append(list, *s)
		}
	}
	return list
}

func (t *table) summaryRow(threads int) summaryRow {
	s := summaryRow{Data: t.Label()}
	if r := t.row(memcpyName, threads); r != nil {
		s.Memcpy = r.Rate
	}
	for _, name := range summaryColumns {
		var of *measured
		if r := t.row(name, threads); r != nil {
			of = r.Memcpy
		}
		s.Of = append(s.Of, of)
	}
	return s
}

// row returns the row of a contender, or nil if the contender was not measured.
func (t *table) row(impl string, threads int) *row { return t.product(impl, threads, 0) }

// product returns the row of a contender that multiplies with a number of vectors, or nil.
func (t *table) product(impl string, threads, batch int) *row {
	for _, r := range t.Rows {
		if r.Impl == impl && r.Threads == threads && r.Batch == batch {
			return r
		}
	}
	return nil
}
