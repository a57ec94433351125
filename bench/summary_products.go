package main

// A productSummary compares products with matrices that stay coded with products with bf16 weights from memory, for a number
// of threads.
type productSummary struct {
	Threads int
	Batches []int
	Rows    []productRow
}

// A productRow is a contender on a data set, and what parts of the rate of bf16 it reaches, by batch.
type productRow struct {
	Data, Impl string
	Of         []*measured
}

// productColumns are the contenders that multiply, beside bf16.
var productColumns = []string{matrixRANSName, matrixRANSName + jointSuffix, matrixDF11Name, torchName}

// ProductColumns are bf16 and the contenders that are compared with it.
func (r *report) ProductColumns() []string {
	return append([]string{bf16Name}, productColumns...)
}

// MatrixWeights is the least number of weights of a matrix that is multiplied with.
func (r *report) MatrixWeights() int { return matrixWeights }

// Products returns the tables of products.
func (r *report) Products() []*table { return r.tables("multiply") }

// ProductSummary returns the summaries of all products, one for each number of threads.
func (r *report) ProductSummary() []productSummary {
	var list []productSummary
	for n := 1; ; n++ {
		s := productSummary{Threads: n, Batches: batches}
		for _, t := range r.Products() {
			s.Rows = append(s.Rows, t.ofPlain(n)...)
		}
		if len(s.Rows) == 0 {
			return list
		}
		list = append(list, s)
	}
}

// ofPlain returns the rows of a table for a number of threads, without contenders that were not measured.
func (t *table) ofPlain(threads int) []productRow {
	var list []productRow
	for _, name := range productColumns {
		r := productRow{Data: t.Label(), Impl: name}
		measured := false
		for _, batch := range batches {
			p := t.product(name, threads, batch)
			if p == nil {
				r.Of = append(r.Of, nil)
				continue
			}
			measured = true
			r.Of = append(r.Of, p.Plain)
		}
		if measured {
			list = append(list, r)
		}
	}
	return list
}
