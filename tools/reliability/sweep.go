//go:build linux

package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/seed54244801/bespoke/internal/torture"
)

// sweepSection damages small containers in every way.
func sweepSection(ctx context.Context, o *options) (section, error) {
	command, where := fmt.Sprintf("go run ./tools/reliability -only sweep -seed %d", o.seed), ""
	if o.sample > 0 {
		command += fmt.Sprintf(" -sample %d", o.sample)
		where = "a sample of the cases; without `-sample` all are tried"
	}
	if o.others > 0 {
		command += fmt.Sprintf(" -sample-others %d", o.others)
		if o.sample == 0 {
			where = fmt.Sprintf("every case of containers with sums and a file a unit, about %s of each kind of the others; "+
				"without `-sample-others` all are tried", count(o.others))
		}
	}
	r, err := torture.Sweep(ctx, torture.SweepOptions{Seed: o.seed, Sample: o.sample, SampleOthers: o.others, Progress: func(row torture.SweepRow) {
		log.Printf("sweep: %s: %s: %d cases, %d bad", row.Container, row.Damage, row.Cases, row.Bad())
	}})
	if err != nil {
		return section{}, err
	}
	return section{
		Command: command,
		Where:   where,
		Bad:     r.Bad(),
		Faults:  r.Faults,
		Tables: []table{
			sweepTable("By damage, of containers with sums:", "damage", r.Rows, true, func(r *torture.SweepRow) string { return r.Damage }),
			sweepTable("By container:", "container", r.Rows, true, func(r *torture.SweepRow) string { return r.Container }),
			sweepTable("For comparison, containers as the published encoder makes them, without sums in their files:", "container and damage",
				r.Rows, false, func(r *torture.SweepRow) string {
					return strings.TrimPrefix(r.Container, "published, a file a unit, ") + ": " + r.Damage
				}),
		},
	}, nil
}

// sweepTable sums up the rows that have the same name.
func sweepTable(title, name string, rows []torture.SweepRow, own bool, by func(*torture.SweepRow) string) table {
	sums := map[string]*torture.SweepRow{}
	var names []string
	total := &torture.SweepRow{}
	for i := range rows {
		r := &rows[i]
		if r.Own != own || r.Cases == 0 {
			continue
		}
		key := by(r)
		if sums[key] == nil {
			sums[key] = &torture.SweepRow{}
			names = append(names, key)
		}
		sums[key].Add(r)
		total.Add(r)
	}
	t := table{Title: title, Header: []string{name, "cases", "error", "same files", "as it says", "unnoticed", "wrong", "panic", "left behind", "over memory",
		"found by `verify`", "missed"}}
	if own { // these have no unnoticed cases
		t.Header = append(t.Header[:5:5], t.Header[6:]...)
	}
	row := func(name string, r *torture.SweepRow) {
		cells := []string{name, count(r.Cases), count(r.Errors), count(r.Same), count(r.Said), count(r.Unnoticed),
			zero(r.Wrong), zero(r.Panics), zero(r.Left), zero(r.Over), count(r.Found), zero(r.Missed)}
		if own {
			cells = append(cells[:5:5], cells[6:]...)
		}
		t.Rows = append(t.Rows, cells)
	}
	for _, name := range names {
		row(name, sums[name])
	}
	row("all", total)
	return t
}
