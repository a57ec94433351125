package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/internal/plot"
	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/internal/ui"
)

func (a *app) inspect() *cobra.Command {
	var units partitionFlags
	var partial incomplete
	var asJSON bool
	var picture string
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show the exponents of a model and what compressing it would bring",
		Long: `Inspect counts the exponents of a model and shows their histogram and entropy,
the expected size for every way to choose code books, and which tensors stay
as they are and why.

MODEL is a Hugging Face folder, a safetensors file, a DF11 folder or file, or a
JSON file with a histogram, such as inspect --json prints. The exit status is 1
if something seems to be missing from a DF11 folder, and if a weight of it is not
what it was.

The JSON form names, among others: histogram (256 counts), entropy, units
(name, weights, entropy, histogram), schemes (name, books, longest_code, bytes,
bits_per_weight, percent), raw (name, dtype, shape, bytes, reason).`,
		Example: `  bespoke inspect models/llama
  bespoke inspect models/llama --plot llama.png
  bespoke inspect models/llama --json > llama.json`,
		Args: takes("one MODEL"),
	}
	units.flags(cmd)
	partial.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	cmd.Flags().StringVar(&picture, "plot", "", "draw the exponents and their code lengths to `FILE`, .png or .svg")
	_ = cmd.MarkFlagFilename("plot", plot.Formats...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if picture != "" && !slices.Contains(plot.Formats, plotFormat(picture)) {
			return usagef("--plot %s: the extension must be one of %s", picture, strings.Join(plot.Formats, ", "))
		}
		if err := mayDraw(picture); err != nil {
			return err
		}
		partition, err := units.options()
		if err != nil {
			return err
		}
		r, err := checkpoint.Inspect(cmd.Context(), args[0], checkpoint.AnalyseOptions{Partition: partition, Open: units.open, Progress: a.progress()})
		if err != nil {
			return err
		}
		if picture != "" {
			if err := draw(picture, r); err != nil {
				return err
			}
		}
		if asJSON {
			err = a.json(r)
		} else {
			err = a.printReport(r, picture)
		}
		if err != nil {
			return err
		}
		return partial.check(r.Path, r.Missing)
	}
	return cmd
}

func plotFormat(path string) string {
	return strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
}

// mayDraw refuses an existing file that is no picture of the format that its name tells.
func mayDraw(path string) error {
	f, size, err := regular.Open(path)
	if err != nil || size == 0 { // draw reports what is not there or no file
		return nil
	}
	defer f.Close()
	start, err := io.ReadAll(io.LimitReader(f, 1024))
	if err == nil && !plot.Is(plotFormat(path), start) {
		err = fmt.Errorf("%s exists and is no %s picture", path, plotFormat(path))
	}
	return err
}

// draw writes the picture of a report. An existing picture is replaced, because it can be drawn again.
func draw(path string, r *checkpoint.Report) error {
	scheme, err := codebook.SchemeByName(checkpoint.Schemes()[0])
	if err != nil {
		return err
	}
	e := &plot.Exponents{Model: ui.Printable(r.Model), Histogram: r.Histogram}
	if books, err := scheme.Assign([]codebook.Histogram{r.Histogram}); err == nil {
		e.Lengths = books.Books[0].Lengths()
	}
	for _, s := range r.Schemes {
		if s.Name == scheme.Name() {
			e.BitsPerWeight = s.BitsPerWeight
		}
	}
	f, err := atomicfile.Create(path, true)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := plot.Write(io.Writer(f), plotFormat(path), e); err != nil {
		return err
	}
	return f.Commit()
}
