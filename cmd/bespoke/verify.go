package main

import (
	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
)

func (a *app) verify() *cobra.Command {
	var decoder decoder
	var names names
	var from source
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [MODEL] DF11",
		Short: "Prove that a DF11 checkpoint holds a model, or is as it was written",
		Long: `Verify decodes a DF11 checkpoint and compares every tensor with the model, bit
for bit. It also audits what a GPU decoder relies on, the gap of every window and
the record of every tile, and holds the model's files against the xxh128 in the
sidecar, if there is one.

Without a MODEL it looks for damage to the checkpoint alone: its structure, its
codes and indices, and the sums that "bespoke compress" left, of every tensor as
it is stored and as it decodes and of every other file. A checkpoint from
elsewhere has no sums, which is said.

The exit status is 1 if anything differs.`,
		Example: `  bespoke verify models/llama models/llama-df11
  bespoke verify models/llama-df11`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return takes("a MODEL", "a DF11 checkpoint")(cmd, args)
		},
	}
	decoder.flags(cmd)
	names.flags(cmd)
	from.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		options, err := decoder.options(a, cmd)
		if err != nil {
			return err
		}
		patterns, err := names.patterns()
		if err != nil {
			return err
		}
		opts := checkpoint.VerifyOptions{Patterns: patterns, Open: from.open, Runtime: options, Progress: a.progress()}
		var r *checkpoint.VerifyReport
		if len(args) == 1 {
			r, err = checkpoint.Check(cmd.Context(), args[0], opts)
		} else {
			r, err = checkpoint.Verify(cmd.Context(), args[0], args[1], opts)
		}
		if err != nil {
			return err
		}
		if asJSON {
			err = a.json(r)
		} else {
			err = a.printVerified(r)
		}
		if err != nil {
			return err
		}
		return r.Err()
	}
	return cmd
}

func (a *app) printVerified(r *checkpoint.VerifyReport) error {
	const longest = 20 // differences
	if len(r.Differences) == 0 && r.Model == "" {
		a.printf("sound: %s, %s (%d tensors decoded, decoder %s)\n",
			ui.Plural(uint64(r.Tensors), "tensor"), ui.Plural(r.Weights, "weight"), r.Decoded, r.Decoder)
		if r.Sums > 0 {
			a.printf("sums:  %s as they were when it was written, %s\n", ui.Plural(uint64(r.Sums), "sum"), ui.Plural(uint64(r.Files), "other file"))
		} else {
			a.printf("sums:  the checkpoint has none: whether its weights are the original ones it does not tell\n")
		}
		return nil
	}
	if len(r.Differences) == 0 {
		a.printf("identical: %s, %s (%d tensors decoded, decoder %s)\n",
			ui.Plural(uint64(r.Tensors), "tensor"), ui.Plural(r.Weights, "weight"), r.Decoded, r.Decoder)
		if r.Files > 0 {
			a.printf("files:     xxh128 of %s as the sidecar says\n", ui.Plural(uint64(r.Files), "file"))
		}
		return nil
	}
	a.printf("%s\n", ui.Plural(uint64(len(r.Differences)), "difference"))
	var t ui.Table
	for _, d := range r.Differences[:min(len(r.Differences), longest)] {
		t.Row(d.Kind, d.Name, d.Detail)
	}
	if n := len(r.Differences) - longest; n > 0 {
		t.Row("…", ui.Count(uint64(n))+" more", "(--json lists all)")
	}
	return a.table(&t)
}
