package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen"
	"github.com/seed54244801/bespoke/gen/cudac"
	"github.com/seed54244801/bespoke/internal/ui"
)

// generateOptions are the flags of generate.
type generateOptions struct {
	out       output
	units     partitionFlags
	partial   incomplete
	name      string
	compiler  string
	noCUDA    bool
	fatbin    bool
	explain   bool
	recompile bool
}

func (a *app) generate() *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate MODEL -o DIR",
		Short: "Generate a Go package with decoders cut for a model",
		Long: `Generate writes a Go package with decoders for the code books of one model: CUDA
C++ and, where a compiler is found, PTX; AVX-512 assembly; the tables in
Go; a test that holds all of them against the reference; and a manifest.

MODEL is a Hugging Face folder, a safetensors file, a compressed folder or file,
or a JSON file with a histogram. A compressed model brings its code books; for
any other they are chosen as "bespoke compress" does by default. The last
element of DIR names the package. The same input gives the same bytes.

For a model that is coded with rANS, there are the CUDA kernels of its form, its
tables, and a Go package that carries them. CPUs need nothing of their own.`,
		Example: `  bespoke generate models/llama -o out/llama
  bespoke generate llama.json -o out/llama --no-cuda`,
		Args: takes("one MODEL"),
	}
	o.out.flags(cmd, "folder although its manifest is lost")
	o.units.flags(cmd)
	o.partial.flags(cmd)
	cmd.Flags().StringVar(&o.name, "name", "", "`NAME` of the model in the generated files (default: the last element of MODEL)")
	cmd.Flags().StringVar(&o.compiler, "cuda", "", "CUDA `COMPILER` to use, nvcc, clang or a python3 that has NVRTC (default: the first one found)")
	cmd.Flags().BoolVar(&o.noCUDA, "no-cuda", false, "do not look for a CUDA compiler; earlier PTX of the same source is kept")
	cmd.Flags().BoolVar(&o.fatbin, "fatbin", false, "write a fatbin too: machine code for the GPUs that ptxas knows (with fatbinary, both of the CUDA toolkit)")
	cmd.Flags().BoolVar(&o.explain, "explain", false, "print what the parameters of the kernels were chosen among, and by what")
	cmd.Flags().BoolVar(&o.recompile, "recompile", false, "compile PTX again although the earlier one would do")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.out.check(cmd); err != nil {
			return err
		}
		if o.noCUDA && (o.compiler != "" || o.recompile) {
			return usagef("--no-cuda does not go with --cuda or --recompile")
		}
		return a.runGenerate(cmd.Context(), args[0], &o)
	}
	return cmd
}

func (a *app) runGenerate(ctx context.Context, path string, o *generateOptions) error {
	pkg, err := gen.PackageName(o.out.dir)
	if err != nil {
		return err
	}
	partition, err := o.units.options()
	if err != nil {
		return err
	}
	analysis, err := checkpoint.Analyse(ctx, path, checkpoint.AnalyseOptions{Partition: partition, Open: o.units.open, Progress: a.progress()})
	if err != nil {
		return err
	}
	p, err := gen.NewPackage(analysis, pkg, gen.PackageOptions{Model: o.name, Incomplete: o.partial.allowed})
	if err != nil {
		return err
	}
	opts := gen.Options{Recompile: o.recompile}
	if opts.Previous, err = gen.ReadFolder(o.out.dir); err != nil {
		return err
	}
	if !o.noCUDA {
		var paths []string
		if o.compiler != "" {
			paths = append(paths, o.compiler)
		}
		opts.Compiler, opts.NoCompiler = cudac.Find(ctx, paths...)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case opts.NoCompiler != nil && (o.compiler != "" || o.recompile):
			return opts.NoCompiler // a compiler was asked for, so it is an error that there is none
		}
	}
	if o.fatbin {
		opts.Assembler, opts.NoAssembler = cudac.FindAssembler(ctx)
	}
	r, err := gen.Generate(ctx, p, opts)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := gen.Write(o.out.dir, r.Files, o.out.force); err != nil {
		return err
	}
	for _, line := range r.Report {
		a.printf("%s\n", line)
	}
	switch {
	case o.explain && p.Rans != nil:
		a.printf("nothing to explain: kernels for rANS have no parameters\n")
	case o.explain:
		if err := a.explain(p.Plan); err != nil {
			return err
		}
	}
	var t ui.Table
	t.Right = "lr"
	for _, f := range r.Files {
		t.Row(f.Name, ui.Bytes(uint64(len(f.Data))))
	}
	a.printf("\n%s:\n", o.out.dir)
	return a.table(&t)
}

// explain prints how the parameters of the kernels were chosen.
func (a *app) explain(p *emit.Plan) error {
	a.printf("\nDecoder for CPUs: the candidates for its shape and what they cost, in cycles a weight (estimated).\n")
	if err := a.explanations(emit.ExplainCPU(p)); err != nil {
		return err
	}
	cuda, err := emit.ExplainCUDA(p)
	if err != nil {
		return err
	}
	a.printf("\nCUDA kernels: the candidates for each parameter and what they cost, in instructions that a warp issues for a\n" +
		"weight of each lane (estimated, sm_90). Rare is the share of warps that leave the straight path.\n")
	return a.explanations(cuda)
}

// explanations prints tables.
func (a *app) explanations(all []emit.Explanation) error {
	for _, e := range all {
		var t ui.Table
		for _, row := range e.Rows {
			t.Right = strings.Repeat("r", len(row)-1)
			cells := make([]any, len(row))
			for i, cell := range row {
				cells[i] = cell
			}
			t.Row(cells...)
		}
		a.printf("\n%s\n", e.Title)
		if err := a.table(&t); err != nil {
			return err
		}
	}
	return nil
}
