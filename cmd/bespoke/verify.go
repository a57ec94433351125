package main

import (
	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
)

func (a *app) verify() *cobra.Command {
	var decoder decoder
	var names names
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify MODEL DF11",
		Short: "Prove that a DF11 checkpoint holds a model, bit for bit",
		Long: `Verify decodes a DF11 checkpoint and compares every tensor with the model, bit
for bit. It also audits what a GPU decoder relies on, the gap of every window and
the record of every tile, and holds the model's files against the xxh128 in the
sidecar, if there is one.

The exit status is 1 if anything differs.`,
		Example: `  bespoke verify models/llama models/llama-df11`,
		Args:    takes("a MODEL", "a DF11 checkpoint"),
	}
	decoder.flags(cmd)
	names.flags(cmd)
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
		r, err := checkpoint.Verify(cmd.Context(), args[0], args[1], checkpoint.VerifyOptions{
			Patterns: patterns, Runtime: options, Progress: a.progress(),
		})
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
