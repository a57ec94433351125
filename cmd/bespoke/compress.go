package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/model"
)

func (a *app) compress() *cobra.Command {
	var out output
	var units partitionFlags
	var opts checkpoint.CompressOptions
	var coding coding
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compress MODEL -o DIR",
		Short: "Compress a model, without loss",
		Long: `Compress codes the exponents of a model's weights. "bespoke decompress" restores
every file byte for byte, but for the folders .git and .cache, which are no part
of a model.

--codec is the way to code them:
  df11  Huffman codes; the published DF11 loader reads the result; the default
  rans  smaller, and faster on CPUs with AVX-512; for Bespoke alone: other
        loaders refuse the result. It codes every bfloat16 tensor that gains,
        also embeddings that share their weight, and infinities and NaN

With rans, --form says what is coded of a weight:
  exponent  its exponent; the default
  joint     also the highest bit of its mantissa: a little smaller

With df11, --codebook chooses the code books:
  model      one for the whole model (a few, if the units differ much), so that
             a decoder can be cut for it; the default
  unit       one for each unit, as short as the format permits
  published  byte-identical with the published encoder

and --index says how decoders find their way in the bit stream:
  gaps   as DF11 does; the default
  both   that and, in one more tensor a unit, where each tile of 2048 weights
         starts, so that a GPU can decode in one pass; the published loader
         takes it
  tiles  the tiles alone: smaller than DF11, for Bespoke's decoders only

What was written is read back, decoded and held against the sums of what was
read, before it appears: --no-check leaves that out. A model that changes while
it is compressed is refused.

Only bfloat16 weights are coded; all else stays as it is, and the report says
why. Models in F32 or F16 have to be cast first, see "bespoke convert".`,
		Example: `  bespoke compress models/llama -o models/llama-df11
  bespoke compress models/llama -o models/llama-df11 --codebook published --verify
  bespoke compress models/llama -o models/llama-rans --codec rans`,
		Args: takes("one MODEL"),
	}
	out.flags(cmd, "folder")
	units.flags(cmd)
	coding.flags(cmd, string(model.DF11))
	cmd.Flags().BoolVar(&opts.SingleFile, "single-file", false, "write one safetensors file instead of one for each unit")
	cmd.Flags().BoolVar(&opts.NoCheck, "no-check", false, "do not read the output back")
	cmd.Flags().BoolVar(&opts.Verify, "verify", false, "compare the output with MODEL once more, and audit its indices, before it appears")
	cmd.Flags().BoolVar(&opts.Resume, "resume", false, "go on from the units that an earlier run, killed or interrupted, finished")
	skipUnknownFlag(cmd, &opts.SkipUnknownFiles)
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
		opts.Open, opts.Force, opts.Progress = units.open, out.force, a.progress()
		r, err := checkpoint.Compress(cmd.Context(), args[0], out.dir, opts)
		switch {
		case errors.Is(err, checkpoint.ErrNothingToCompress):
			return fmt.Errorf("%w; see bespoke inspect %s, and bespoke convert for models that are not in bfloat16", err, args[0])
		case err != nil:
			return err
		case asJSON:
			return a.json(r)
		}
		return a.printCompressed(r)
	}
	return cmd
}

func (a *app) printCompressed(r *checkpoint.CompressReport) error {
	a.printf("%s → %s\n\n", r.Source, r.Target)
	head := ui.Table{Right: "lrr"}
	head.Row("original", ui.Count(r.Original), "bytes", ui.Bytes(r.Original))
	head.Row("compressed", ui.Count(r.Compressed), "bytes", ui.Bytes(r.Compressed),
		fmt.Sprintf("%.2f %%", 100*float64(r.Compressed)/float64(max(r.Original, 1))))
	if err := a.table(&head); err != nil {
		return err
	}
	codes := fmt.Sprintf("%s (%s), longest code %d bits", ui.Plural(uint64(r.Books), "code book"), r.Scheme, r.LongestCode)
	if r.Codec == model.RANS {
		codes = fmt.Sprintf("rANS (%s), %s", r.Scheme, ui.Plural(uint64(r.Books), "table"))
	}
	a.printf("\n  %s in %s (patterns: %s); %s\n\n",
		ui.Plural(r.CodedWeights, "weight"), ui.Plural(uint64(r.Units), "unit"), r.Patterns, codes)

	s := r.Stored
	total := s.UnitSize.Total()
	t := ui.Table{Right: "lrrr"}
	t.Row("tensors", "bytes", "share", "bits a weight")
	t.Rule()
	row := func(name string, n uint64) {
		t.Row(name, ui.Count(n), formatPercent(100*float64(n)/float64(total+s.Raw)), fmt.Sprintf("%.4f", 8*float64(n)/float64(r.CodedWeights)))
	}
	if s.RANS != nil {
		row("plane", s.RANS.Plane)
		row("blocks", s.RANS.Blocks)
		row("headers, tables and indices", s.RANS.Headers)
	} else {
		row("sign_mantissa", s.SignMantissa)
		row("encoded_exponent", s.Stream)
		if r.Index.HasGaps() {
			row("gaps", s.Gaps)
			row("output_positions", s.OutputPositions)
		}
		if r.Index.HasTiles() {
			row("tiles", s.Tiles)
		}
		row("luts", s.Luts)
		row("split_positions", s.SplitPositions)
	}
	t.Rule()
	row("coded", total)
	t.Row("left as they are", ui.Count(s.Raw), formatPercent(100*float64(s.Raw)/float64(total+s.Raw)))
	if err := a.table(&t); err != nil {
		return err
	}
	if err := a.printRaw(r.Raw); err != nil {
		return err
	}
	if r.Resumed > 0 {
		a.printf("\n  resumed: %s had been finished before\n", ui.Plural(uint64(r.Resumed), "unit"))
	}
	if err := a.printFiles("left out", r.Skipped); err != nil {
		return err
	}
	switch {
	case r.Verified:
		a.printf("\n  verified: decoded and compared, every tensor and file is the same\n")
	case r.Checked:
		a.printf("\n  checked: read back, it decodes to what was read\n")
	}
	return nil
}

// formatPercent writes a share with two decimals, and says if they do not suffice to show it.
func formatPercent(p float64) string {
	if p > 0 && p < 0.005 {
		return "< 0.01 %"
	}
	return fmt.Sprintf("%.2f %%", p)
}
