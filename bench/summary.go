package main

import "github.com/seed54244801/bespoke/runtime"

// A summary is the first table of the page: a row for each data set, for a number of threads.
type summary struct {
	Threads int
	Columns []string
	Rows    []summaryRow
}

// A summaryRow is a data set: the rate of memcpy, and what parts of it the decoders reach, by column. A decoder
// that was not measured is nil.
type summaryRow struct {
	Data   string
	Memcpy *measured
	Of     []*measured
}

// summaryColumns are the decoders that the first table compares.
var summaryColumns = []string{
	emittedName(runtime.AVX512), tableName(runtime.AVX512), tableName(runtime.AVX2), runtime.Auto, runtime.Generic,
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
func (t *table) row(impl string, threads int) *row {
	for _, r := range t.Rows {
		if r.Impl == impl && r.Threads == threads {
			return r
		}
	}
	return nil
}
