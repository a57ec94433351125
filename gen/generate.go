package gen

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/gen/cudac"
)

// Options of Generate. The zero value generates without a CUDA compiler.
type Options struct {
	// Compiler makes PTX; nil when there is none.
	Compiler *cudac.Compiler
	// NoCompiler says why there is none, for the report.
	NoCompiler error
	// Assembler makes a fatbin of the PTX; nil when there is none.
	Assembler *cudac.Assembler
	// NoAssembler says why there is none, for the report.
	NoAssembler error
	// Previous are the files that were generated earlier. Their PTX may be kept.
	Previous []File
	// Recompile compiles PTX even if the earlier one could be kept.
	Recompile bool
}

// A Result is a generated folder in memory.
type Result struct {
	Files []File // by name
	// Report tells a person what was generated and why, in lines.
	Report []string
}

// Generate makes all files of a package.
func Generate(ctx context.Context, p *Package, opts Options) (*Result, error) {
	if p.Rans != nil {
		return generateRans(ctx, p, opts)
	}
	cuda, err := emit.CUDA(p.Plan)
	if err != nil {
		return nil, err
	}
	asm, stubs, err := emit.Assembly(p.Plan)
	if err != nil {
		return nil, err
	}
	gpu, err := compile(ctx, p.Header(), df11Names, cuda, opts)
	if err != nil {
		return nil, err
	}
	files := gpu.files
	if asm != nil {
		files = append(files, File{"decode_amd64.s", asm}, File{"decode_amd64.go", stubs})
	}
	sources, err := goSources(p, gpu.embedding)
	if err != nil {
		return nil, err
	}
	files = append(files, sources...)
	sortFiles(files)
	text, err := manifest(p, files, gpu.compilers)
	if err != nil {
		return nil, err
	}
	files = append(files, File{ManifestName, text})
	sortFiles(files)
	return &Result{Files: files, Report: report(p, gpu)}, nil
}

// generateRans is Generate for a model that is coded with rANS.
func generateRans(ctx context.Context, p *Package, opts Options) (*Result, error) {
	plan := p.Rans
	cuda, err := emit.RansCUDA(plan)
	if err != nil {
		return nil, err
	}
	gpu, err := compile(ctx, plan.Header(), ransNames, cuda, opts)
	if err != nil {
		return nil, err
	}
	pkg, err := emit.RansPackage(plan, gpu.embedding)
	if err != nil {
		return nil, err
	}
	test, err := emit.RansTest(plan)
	if err != nil {
		return nil, err
	}
	files := append(gpu.files, File{plan.Package + ".go", pkg}, File{plan.Package + "_test.go", test})
	sortFiles(files)
	text, err := ransManifest(p, files, gpu.compilers)
	if err != nil {
		return nil, err
	}
	files = append(files, File{ManifestName, text})
	sortFiles(files)
	lines := append(titled(plan.Package, plan.Model, plan.Figures()), gpu.report...)
	return &Result{Files: files, Report: append(lines, notCoded(p.Source.Raw)...)}, nil
}

// goSources renders the files that jennifer writes.
func goSources(p *Package, compiled emit.Embedding) ([]File, error) {
	pkg, err := emit.Package(p.Plan, compiled)
	if err != nil {
		return nil, err
	}
	test, err := emit.Test(p.Plan)
	if err != nil {
		return nil, err
	}
	noasm, err := emit.NoAssembly(p.Plan)
	if err != nil {
		return nil, err
	}
	return []File{{p.Package + ".go", pkg}, {p.Package + "_test.go", test}, {"decode_noasm.go", noasm}}, nil
}

func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
}

// titled is the beginning of a report.
func titled(pkg, model string, figures []string) []string {
	lines := []string{fmt.Sprintf("package %s for %s", pkg, model)}
	for _, line := range figures {
		lines = append(lines, "  "+line)
	}
	return lines
}

// report sums up the plan and says what became of the GPU decoder.
func report(p *Package, gpu *gpuDecoder) []string {
	lines := titled(p.Package, p.Model, emit.Figures(p.Plan))
	if p.Source.Stored != nil {
		r := sizeReport(p.Source.Stored.Size, p.Histogram.Total())
		lines = append(lines, fmt.Sprintf("  %-14s %.4f bits a weight, %.2f %% of bfloat16", "real size", r.BitsPerWeight, 100*r.Ratio))
	}
	switch p.Source.Scheme {
	case "":
		lines = append(lines, "code books: those of the checkpoint")
	default:
		lines = append(lines, fmt.Sprintf("code books: chosen by the scheme %q", p.Source.Scheme))
	}
	lines = append(lines, gpu.report...)
	return append(lines, notCoded(p.Source.Raw)...)
}

// notCoded says which tensors are not coded, with a line for each reason. It leaves out tensors without a reason,
// such as those of a DF11 checkpoint.
func notCoded(raw []checkpoint.RawReport) []string {
	var reasons []string
	tensors := map[string][]string{}
	for _, r := range raw {
		if r.Reason == "" {
			continue
		}
		if tensors[r.Reason] == nil {
			reasons = append(reasons, r.Reason)
		}
		tensors[r.Reason] = append(tensors[r.Reason], r.Name)
	}
	var notes []string
	for _, reason := range reasons {
		names := tensors[reason]
		which := names[0]
		if len(names) > 1 {
			which += fmt.Sprintf(" and %d more", len(names)-1)
		}
		notes = append(notes, fmt.Sprintf("not coded: %s: %s", which, reason))
	}
	return notes
}
