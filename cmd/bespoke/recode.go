package main

import (
	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/model"
)

func (a *app) recode() *cobra.Command {
	var out output
	var coding coding
	var units partitionFlags
	var partial incomplete
	var opts checkpoint.CompressOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "recode CODED -o DIR",
		Short: "Code a compressed model in another way, without the original",
		Long: `Recode restores a model from DF11 or rANS and compresses it again, as if
"bespoke compress" had been given the original. --codec and the other flags are
those of compress. Every tensor and file is compared with its xxh128, if the
checkpoint has sums. The disk needs room for the model meanwhile.`,
		Example: `  bespoke recode models/llama-df11 -o models/llama-rans
  bespoke recode models/llama-rans -o models/llama-df11 --codec df11`,
		Args: takes("one compressed model"),
	}
	out.flags(cmd, "folder")
	coding.flags(cmd, string(model.RANS))
	units.flags(cmd)
	partial.flags(cmd)
	cmd.Flags().BoolVar(&opts.SingleFile, "single-file", false, "write one safetensors file instead of one for each unit")
	cmd.Flags().BoolVar(&opts.NoCheck, "no-check", false, "do not read the output back")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if err := out.check(cmd); err != nil {
			return err
		}
		if err := coding.apply(cmd, &opts); err != nil {
			return err
		}
		if opts.Partition, err = units.options(); err != nil {
			return err
		}
		opts.Force, opts.Progress = out.force, a.progress()
		from := checkpoint.DecompressOptions{Incomplete: partial.allowed, Progress: a.progress()}
		r, err := checkpoint.Recode(cmd.Context(), args[0], out.dir, from, opts)
		switch {
		case err != nil:
			return err
		case asJSON:
			return a.json(r)
		}
		return a.printCompressed(r)
	}
	return cmd
}
