package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

func (a *app) decompress() *cobra.Command {
	var out output
	var decoder decoder
	var names names
	var partial incomplete
	var shapes source
	var opts checkpoint.DecompressOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "decompress DF11 -o DIR",
		Short: "Restore the model from a DF11 checkpoint",
		Long: `Decompress restores the files that "bespoke compress" was given, byte for byte,
and checks the xxh128 of each before the output appears.

Any other DF11 checkpoint, or a single file of one, gives model.safetensors with
all tensors, config.json without dfloat11_config and copies of the other files.
Such a checkpoint does not hold the shapes of the coded tensors: they follow
from config.json for the common architectures, else they come from --shapes
MODEL. A single file without its config.json does not name them either:
--pattern FILE does. What "bespoke compress" wrote has sums in every file,
against which each tensor is held; what others wrote has none. A checkpoint from
which something seems to be missing is refused: --incomplete decompresses what
is there. Links out of the folder are not followed.`,
		Example: `  bespoke decompress models/llama-df11 -o models/llama-restored
  bespoke decompress models/published-df11 -o models/restored --shapes models/original`,
		Args: takes("one DF11 checkpoint"),
	}
	out.flags(cmd, "folder")
	decoder.flags(cmd)
	names.flags(cmd)
	partial.flags(cmd)
	shapes.flags(cmd)
	cmd.Flags().StringVar(&opts.Shapes, "shapes", "", "take unknown shapes from the tensors of `MODEL`")
	cmd.Flags().BoolVar(&opts.Flat, "flat", false, "write tensors of unknown shape with one dimension")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if err := out.check(cmd); err != nil {
			return err
		}
		if opts.Runtime, err = decoder.options(a, cmd); err != nil {
			return err
		}
		if opts.Patterns, err = names.patterns(); err != nil {
			return err
		}
		opts.Open, opts.Incomplete, opts.Force, opts.Progress = shapes.open, partial.allowed, out.force, a.progress()
		r, err := checkpoint.Decompress(cmd.Context(), args[0], out.dir, opts)
		switch {
		case errors.Is(err, checkpoint.ErrShapes):
			return fmt.Errorf("%w: take them from a model with --shapes MODEL, or write flat tensors with --flat", err)
		case errors.Is(err, checkpoint.ErrNames):
			return fmt.Errorf("%w: give them with --pattern FILE, as {REGEX: [ATTR, …], …}, or number them with --flat", err)
		case err != nil:
			return err
		case asJSON:
			return a.json(r)
		}
		a.printf("%s → %s\n\n  %s, %s in %s (%d decoded, decoder %s)\n", r.Source, r.Target,
			ui.Bytes(r.Bytes), ui.Plural(uint64(r.Tensors), "tensor"), ui.Plural(uint64(r.Files), "file"), r.Decoded, r.Decoder)
		switch {
		case r.Identical:
			a.printf("  every file is the original: same xxh128\n")
		case r.Checked:
			a.printf("  no sidecar: the tensors are the original ones, by their xxh128; the files are not\n")
		default:
			a.printf("  no sidecar and no sums: the tensors are those that the checkpoint holds, if nothing damaged it\n")
		}
		if err := a.printMissing(r.Missing); err != nil {
			return err
		}
		return a.printFiles("left out", r.LeftOut)
	}
	return cmd
}

// names adds the flag that names the tensors of a DF11 checkpoint without a config.json.
type names struct{ file string }

func (n *names) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&n.file, "pattern", "", "JSON `FILE` that names the tensors of each unit, where no config.json does: {REGEX: [ATTR, …], …}")
	_ = cmd.MarkFlagFilename("pattern", "json")
}

func (n *names) patterns() (model.Patterns, error) {
	if n.file == "" {
		return nil, nil
	}
	return model.ReadPatterns(n.file)
}

// decoder adds the flags that choose a decoder.
type decoder struct {
	name    string
	devices []int
	threads int
}

func (d *decoder) flags(cmd *cobra.Command) {
	names := []string{runtime.Auto, runtime.CUDA, runtime.AVX512, runtime.AVX2, runtime.Generic}
	cmd.Flags().StringVar(&d.name, "decoder", runtime.Auto, "decoder to use: auto, cuda, avx512, avx2 or generic")
	cmd.Flags().IntSliceVar(&d.devices, "devices", nil, "`GPUS` to decode on, as bespoke devices numbers them, for example 0,1; asks for --decoder cuda")
	cmd.Flags().IntVar(&d.threads, "threads", 0, "number of threads (default: one a processor)")
	oneOf(cmd, "decoder", names)
}

func (d *decoder) options(a *app, cmd *cobra.Command) ([]runtime.Option, error) {
	name := d.name
	var options []runtime.Option
	if cmd.Flags().Changed("devices") {
		if name == runtime.Auto {
			name = runtime.CUDA
		}
		if name != runtime.CUDA {
			return nil, usagef("--devices is for the decoder cuda, not for %s", name)
		}
		options = append(options, runtime.WithDevices(d.devices...))
	}
	options = append(options, runtime.WithDecoder(name), runtime.WithWarnings(a.warn))
	if cmd.Flags().Changed("threads") {
		if d.threads < 1 {
			return nil, usagef("--threads is %d, want at least 1", d.threads)
		}
		options = append(options, runtime.WithWorkers(d.threads))
	}
	return options, nil
}
