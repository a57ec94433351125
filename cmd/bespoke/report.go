package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/model"
)

// printReport prints what inspect found.
func (a *app) printReport(r *checkpoint.Report, picture string) error {
	a.printf("%s\n\n", r.Model)
	var head ui.Table
	if r.Kind != checkpoint.KindHistogram {
		head.Row("tensors", fmt.Sprintf("%s, %s, %s", ui.Plural(uint64(r.Tensors), "tensor"), ui.Plural(r.Weights, "weight"), ui.Bytes(r.Bytes)))
		head.Row("dtypes", dtypes(r.DTypes))
	}
	coded := fmt.Sprintf("%s in %s", ui.Plural(r.CodedWeights, "weight"), ui.Plural(uint64(len(r.Units)), "unit"))
	if r.Patterns != "" {
		coded += fmt.Sprintf(" (patterns: %s)", r.Patterns)
	}
	head.Row("to code", coded)
	switch r.Kind {
	case checkpoint.KindRANS:
		head.Row("codec", "rANS")
	case checkpoint.KindDF11:
		head.Row("code books", ui.Count(uint64(r.Stored.Books)))
		head.Row("index", indexSizes(r))
	}
	if err := a.table(&head); err != nil {
		return err
	}
	if r.CodedWeights > 0 {
		a.printf("\n")
		if err := a.table(histogramBars(r)); err != nil {
			return err
		}
		a.printf("\n  %.3f bits of information in an exponent of 8 bits: at best %.3f bits a weight,\n  %.2f %% of bfloat16 (%d of 256 exponents occur)\n\n",
			r.Entropy, 8+r.Entropy, 100*(8+r.Entropy)/16, r.Distinct)
		if err := a.table(sizes(r)); err != nil {
			return err
		}
	}
	if err := a.printRaw(r.Raw); err != nil {
		return err
	}
	if picture != "" {
		a.printf("\n  drawn to %s\n", picture)
	}
	return a.printMissing(r.Missing)
}

// printMissing lists what a checkpoint seems to lack.
func (a *app) printMissing(missing []model.Missing) error {
	const longest = 20
	var t ui.Table
	for _, m := range missing[:min(len(missing), longest)] {
		t.Row("missing", m.Name, m.Evidence)
	}
	if n := len(missing) - longest; n > 0 {
		t.Row("missing", ui.Count(uint64(n))+" more", "(--json lists all)")
	}
	if len(missing) > 0 {
		a.printf("\n")
	}
	return a.table(&t)
}

// indexSizes names the indices of a compressed checkpoint and their sizes.
func indexSizes(r *checkpoint.Report) string {
	var parts []string
	add := func(name string, bytes uint64) {
		if bytes > 0 {
			parts = append(parts, fmt.Sprintf("%s (%.4f bits a weight)", name, 8*float64(bytes)/float64(r.CodedWeights)))
		}
	}
	add("gaps", r.Stored.Gaps+r.Stored.OutputPositions)
	add("tiles", r.Stored.Tiles)
	return strings.Join(parts, ", ")
}

func dtypes(list []checkpoint.DTypeCount) string {
	var parts []string
	for _, d := range list {
		parts = append(parts, fmt.Sprintf("%d %s (%s)", d.Tensors, d.DType, ui.Bytes(d.Bytes)))
	}
	return strings.Join(parts, ", ")
}

// histogramBars shows the share of each exponent. Rare ones at both ends are summed up.
func histogramBars(r *checkpoint.Report) *ui.Table {
	const rare = 0.0005 // of all weights
	share := func(n uint64) float64 { return float64(n) / float64(r.CodedWeights) }
	low, high := len(r.Histogram), -1
	most := 0.0
	for e, n := range r.Histogram {
		if share(n) >= rare {
			low, high = min(low, e), max(high, e)
		}
		most = math.Max(most, share(n))
	}
	t := &ui.Table{Right: "rrr"}
	t.Row("exponent", "magnitude", "share")
	t.Rule()
	row := func(label, size string, from, to int) {
		var sum uint64
		for _, n := range r.Histogram[from:to] {
			sum += n
		}
		if sum > 0 || label == fmt.Sprint(from) {
			t.Row(label, size, fmt.Sprintf("%.2f %%", 100*share(sum)), ui.Bar(share(sum)/most, 40))
		}
	}
	if high < 0 {
		low, high = 0, -1 // all exponents are rare, so all are summed up
	}
	row(fmt.Sprintf("< %d", low), "", 0, low)
	for e := low; e <= high; e++ {
		row(fmt.Sprint(e), magnitude(e), e, e+1)
	}
	row(fmt.Sprintf("> %d", high), "", high+1, len(r.Histogram))
	return t
}

// magnitude describes the absolute values with an exponent.
func magnitude(e int) string {
	switch e {
	case 0:
		return "0"
	case 255:
		return "∞, NaN"
	}
	return fmt.Sprintf("%.2g", math.Ldexp(1, e-127))
}

// sizes shows the expected size for each scheme, and the real size of a compressed checkpoint.
func sizes(r *checkpoint.Report) *ui.Table {
	t := &ui.Table{Right: "lrrrrr"}
	t.Row("codes", "number", "longest code", "bytes", "bits a weight", "of original")
	t.Rule()
	if s := r.Stored; s != nil {
		t.Row("as stored", s.Books, "", ui.Count(s.UnitSize.Total()+s.Raw), fmt.Sprintf("%.4f", s.BitsPerWeight), fmt.Sprintf("%.2f %%", s.Percent))
	}
	for _, s := range r.Schemes {
		if s.Error != "" {
			t.Row(s.Name, "—", "—", "—", "—", "—", s.Error)
			continue
		}
		t.Row(s.Name, s.Books, s.LongestCode, ui.Count(s.Bytes), fmt.Sprintf("%.4f", s.BitsPerWeight), fmt.Sprintf("%.2f %%", s.Percent))
	}
	if s := r.RANS; s != nil && s.Books > 0 {
		t.Row(s.Name, s.Books, "", ui.Count(s.Bytes), fmt.Sprintf("%.4f", s.BitsPerWeight), fmt.Sprintf("%.2f %%", s.Percent))
	}
	return t
}

// printRaw prints the tensors that are not coded, by reason.
func (a *app) printRaw(raw []checkpoint.RawReport) error {
	if len(raw) == 0 {
		return nil
	}
	const longest = 12 // reasons
	type group struct {
		first   string
		tensors uint64
		bytes   uint64
	}
	groups := map[string]*group{}
	var reasons []string
	var bytes uint64
	for _, t := range raw {
		reason := t.Reason
		if reason == "" {
			reason = "stored uncoded" // the compressor left no reason
		}
		g := groups[reason]
		if g == nil {
			g = &group{first: t.Name}
			groups[reason] = g
			reasons = append(reasons, reason)
		}
		g.tensors++
		g.bytes += t.Bytes
		bytes += t.Bytes
	}
	head := fmt.Sprintf("left as they are: %s, %s", ui.Plural(uint64(len(raw)), "tensor"), ui.Bytes(bytes))
	if len(reasons) == 1 {
		a.printf("\n  %s: %s\n", head, reasons[0])
		return nil
	}
	a.printf("\n  %s\n", head)
	t := ui.Table{Right: "rr"}
	for _, reason := range reasons[:min(len(reasons), longest)] {
		g := groups[reason]
		name := g.first
		if g.tensors > 1 {
			name += ", …"
		}
		t.Row(g.tensors, ui.Bytes(g.bytes), reason, name)
	}
	if n := len(reasons) - longest; n > 0 {
		t.Row("", "", fmt.Sprintf("… and %s (inspect --json lists all)", ui.Plural(uint64(n), "more reason")))
	}
	return a.table(&t)
}
