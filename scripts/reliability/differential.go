//go:build linux

package main

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/internal/differential"
)

var differentialChapter = chapter{"differential", "Differential: every decoder on broken streams", differentialText, "", differentialSection}

const differentialText = `Sound streams are broken by one mutation each: a bit, a length, a part of another stream. Every decoder of this build, and the CUDA
sources, compiled for the CPU under sanitizers, must give the same weights as the reference in ` + "`codebook`" + `, or the same error. **Left** are streams whose index
contradicts their codes in a place that only GPUs read: a kernel has a word of error for them, and the runtime decodes them on the CPU.`

// differentialSection holds decoders to the reference.
func differentialSection(ctx context.Context, o *options) (section, error) {
	s := section{Command: fmt.Sprintf("go run ./scripts/reliability -only differential -seed %d", o.seed)}
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
