package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/model"
)

func (a *app) convert() *cobra.Command {
	var out output
	var to string
	var from source
	var skip bool
	var asJSON bool
	targets := []string{"bf16"}
	cmd := &cobra.Command{
		Use:   "convert MODEL --to bf16 -o DIR",
		Short: "Cast a model to bfloat16, the one step that loses information",
		Long: `Convert casts every F32, F16 and F64 tensor to bfloat16: to the nearest value,
ties to even; NaNs stay NaNs. All other tensors pass through. Files keep their
names and the division into shards; config.json says bfloat16 afterwards.

This rounds: it is the one command that loses information, and says how much.`,
		Example: `  bespoke convert models/minilm --to bf16 -o models/minilm-bf16`,
		Args:    takes("one MODEL"),
	}
	out.flags(cmd, "folder")
	from.flags(cmd)
	skipUnknownFlag(cmd, &skip)
	cmd.Flags().StringVar(&to, "to", "", "`DTYPE` to cast to: bf16 (required, so that nothing is rounded unasked)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	oneOf(cmd, "to", targets)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := out.check(cmd); err != nil {
			return err
		}
		to := strings.ToLower(to)
		if to == "bfloat16" {
			to = "bf16"
		}
		if err := checkOneOf("to", to, targets); err != nil {
			return err
		}
		r, err := checkpoint.Convert(cmd.Context(), args[0], out.dir, model.BF16, checkpoint.ConvertOptions{
			Open: from.open, SkipUnknownFiles: skip, Force: out.force, Progress: a.progress(),
		})
		if err != nil {
			return err
		}
		if asJSON {
			return a.json(r)
		}
		return a.printConverted(r)
	}
	return cmd
}

func (a *app) printConverted(r *checkpoint.ConvertReport) error {
	a.printf("%s → %s\n\n", r.Source, r.Target)
	if err := a.printFiles("left out", r.Skipped); err != nil {
		return err
	}
	t := ui.Table{Right: "lrr"}
	for _, d := range r.Cast {
		t.Row("cast from "+string(d.DType), ui.Plural(uint64(d.Tensors), "tensor"), ui.Plural(d.Elements, "value"))
	}
	for _, d := range r.Kept {
		t.Row("left as "+string(d.DType), ui.Plural(uint64(d.Tensors), "tensor"), ui.Plural(d.Elements, "value"))
	}
	if err := a.table(&t); err != nil {
		return err
	}
	a.printf("  %s → %s\n", ui.Bytes(r.BytesBefore), ui.Bytes(r.BytesAfter))
	if len(r.Cast) == 0 {
		a.printf("\n  nothing to cast: every tensor is as it was\n")
		return nil
	}
	s := r.Rounding
	share := func(n uint64) float64 { return 100 * float64(n) / float64(max(s.Values, 1)) }
	a.printf("\n  of %s:\n", ui.Plural(s.Values, "value"))
	v := ui.Table{Right: "rr"}
	row := func(n uint64, what string) {
		v.Row(ui.Count(n), formatPercent(share(n)), what)
	}
	row(s.Exact, "exact in bfloat16")
	row(s.Rounded, "rounded to the nearest bfloat16")
	if s.Overflowed > 0 {
		row(s.Overflowed, "of these too large: infinite now")
	}
	if s.Underflowed > 0 {
		row(s.Underflowed, "of these too small: zero now")
	}
	if s.NaN > 0 {
		row(s.NaN, "NaN, as before")
	}
	return a.table(&v)
}
