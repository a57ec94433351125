//go:build linux

package main

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/internal/differential"
)

// differentialSection compares decoders with the reference.
func differentialSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go run ./tools/reliability -only differential -seed %d", o.seed)}
	t := table{Header: []string{"decoder and index", "streams", "same weights", "same error", "left", "differing"}}
	for _, run := range []struct {
		compare func(context.Context, differential.Options) (*differential.Report, error)
		opts    differential.Options
	}{
		{differential.Decoders, differential.Options{Seed: o.seed, Small: 4000, Large: 1000}},
		{differential.CUDA, differential.Options{Seed: o.seed, First: 1500, Small: 500, Large: 100}},
	} {
		r, err := run.compare(ctx, run.opts)
		if err != nil {
			return section{}, err
		}
		for _, row := range r.Rows {
			t.Rows = append(t.Rows, []string{fmt.Sprintf("%s, %v", row.Decoder, row.Index), count(row.Streams), count(row.SameBytes), count(row.SameError),
				count(row.Left), zero(row.Differing)})
		}
		s.Bad += r.Differing()
		s.Faults = append(s.Faults, r.Differences...)
	}
	s.Tables = []table{t}
	return s, nil
}
