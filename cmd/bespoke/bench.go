package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/runtime"
)

func (a *app) bench() *cobra.Command {
	var opts checkpoint.BenchOptions
	var partial incomplete
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench CODED",
		Short: "Measure how fast a compressed model decodes",
		Long: `Bench decodes a model in DF11 or rANS with every decoder that is available,
with one thread and with all, in thousand million weights a second, beside two
things that bound it on this machine:

  memcpy    copying as many weights
  roofline  reading 1.34 bytes and writing 2 for each weight, which is about
            what a decoder of either codec must

They take turns on a piece of the checkpoint, round by round. Shown are the
medians of the rounds, and in brackets those of the rounds in which nothing else
seemed to use the processor, with their number.

The JSON form has a list results of decoder, threads, gweights_per_second,
memcpy_ratio and roofline_ratio.`,
		Example: `  bespoke bench models/llama-rans
  bespoke bench models/llama-df11 --decoder generic --threads 1,2,4 --json`,
		Args: takes("one compressed model"),
	}
	partial.flags(cmd)
	cmd.Flags().StringSliceVar(&opts.Decoders, "decoder", nil, "decoders to measure: cuda, avx512, avx2, generic (default: all available)")
	cmd.Flags().IntSliceVar(&opts.Threads, "threads", nil, "numbers of threads to measure with (default: 1 and one a processor)")
	cmd.Flags().DurationVar(&opts.Time, "time", time.Second, "least time for each decoder and number of threads")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	names := []string{runtime.CUDA, runtime.AVX512, runtime.AVX2, runtime.Generic}
	oneOf(cmd, "decoder", names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, name := range opts.Decoders {
			if err := checkOneOf("decoder", name, names); err != nil {
				return err
			}
		}
		for _, n := range opts.Threads {
			if n < 1 {
				return usagef("--threads is %d, want at least 1", n)
			}
		}
		if opts.Time <= 0 {
			return usagef("--time is %v, want more than 0", opts.Time)
		}
		opts.Progress = a.progress()
		r, err := checkpoint.Bench(cmd.Context(), args[0], opts)
		if err != nil {
			return err
		}
		if asJSON {
			if err := a.json(r); err != nil {
				return err
			}
			return partial.check(r.DF11, r.Missing)
		}
		a.printf("%s: %s in %s\n\n", r.DF11, ui.Plural(r.Weights, "weight"), ui.Plural(uint64(r.Units), "unit"))
		t := ui.Table{Right: "lrrrrr"}
		t.Row("decoder", "threads", "Gweights/s", "of memcpy", "of roofline", "quiet rounds")
		t.Rule()
		for _, s := range r.Results {
			figure := func(median, quiet float64) string {
				if s.Quiet.Rounds == 0 {
					return fmt.Sprintf("%.2f", median)
				}
				return fmt.Sprintf("%.2f (%.2f)", median, quiet)
			}
			t.Row(s.Decoder, s.Threads, figure(s.Rate, s.Quiet.Rate), figure(s.MemcpyRatio, s.Quiet.MemcpyRatio),
				figure(s.RooflineRatio, s.Quiet.RooflineRatio), s.Quiet.Rounds)
		}
		if err := a.table(&t); err != nil {
			return err
		}
		if err := a.printMissing(r.Missing); err != nil {
			return err
		}
		return partial.check(r.DF11, r.Missing)
	}
	return cmd
}
