package emit

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

const (
	modulePath     = "github.com/seed54244801/bespoke"
	codebookPath   = modulePath + "/codebook"
	runtimePath    = modulePath + "/runtime"
	kernelPath     = runtimePath + "/kernel"
	kernelTestPath = runtimePath + "/kerneltest"
)

// Names of the generated files that other generated files refer to.
const (
	CUDAName   = "decode.cu"
	PTXName    = "decode.ptx"
	FatbinName = "decode.fatbin" // machine code for the architectures that an assembler knows
)

// An Embedding says which compiled kernels a package embeds beside decode.cu.
type Embedding struct{ PTX, Fatbin bool }

// Package renders the file NAME.go. It has the package's figures as its doc comment, the code books and the
// model's histogram as tables, and the kernel for runtime.Open.
func Package(p *Plan, compiled Embedding) ([]byte, error) {
	counts, err := p.counts()
	if err != nil {
		return nil, err
	}
	f := newFile(p.Package, p.Header(), "")
	comment(f, Figures(p), fmt.Sprintf("Package %s decodes the DF11 checkpoint of %s with decoders cut to its code.", p.Package, p.Model), "",
		"Start with [Open], or hand [Kernel] to runtime.Open.")
	f.Anon("embed")

	f.Comment("Hash identifies the code books of this package together.")
	f.Const().Id("Hash").Op("=").Lit(p.Hash())
	embedded(f, CUDAName, PTXName, FatbinName, compiled)
	exported(f, p, kernelFields(p, compiled))
	for i := range p.Books {
		tables(f, p, i, &counts[i])
	}
	return render(f)
}

// embedded declares the variables that hold the GPU decoder. The files have these names.
func embedded(f *jen.File, cuda, ptx, fatbin string, compiled Embedding) {
	embed := func(name, variable string) {
		f.Line()
		f.Comment("//go:embed " + name)
		f.Var().Id(variable).String()
	}
	embed(cuda, "cudaSource")
	if compiled.PTX {
		embed(ptx, "ptxSource")
	}
	if compiled.Fatbin {
		embed(fatbin, "fatbin")
	}
	f.Line()
}

// open declares Open, with a comment.
func open(f *jen.File, comment ...string) {
	for _, line := range comment {
		f.Comment(line)
	}
	option := jen.Qual(runtimePath, "Option")
	f.Func().Id("Open").
		Params(jen.Id("path").String(), jen.Id("opts").Op("...").Add(option)).
		Params(jen.Op("*").Qual(runtimePath, "Model"), jen.Error()).
		Block(
			jen.Id("opts").Op("=").Append(
				jen.Index().Add(option).Values(jen.Qual(runtimePath, "WithKernel").Call(jen.Id("Kernel").Call())),
				jen.Id("opts").Op("...")),
			jen.Return(jen.Qual(runtimePath, "Open").Call(jen.Id("path"), jen.Id("opts").Op("..."))),
		)
}

// exported declares Open, Kernel, Books and Histogram. fields are those of the kernel.
func exported(f *jen.File, p *Plan, fields []jen.Code) {
	open(f, "Open opens the DF11 checkpoint at path, a folder or a single safetensors file, to be decoded by",
		"this package's kernel. It fails if the checkpoint was compressed with other code books.")
	f.Line()
	f.Comment("Kernel returns what runtime.Open needs to decode with this package.")
	f.Func().Id("Kernel").Params().Op("*").Qual(runtimePath, "Kernel").Block(
		jen.Return(jen.Op("&").Qual(runtimePath, "Kernel").Add(multiLine(fields))),
	)

	f.Line()
	f.Comment("Books returns the code books that the decoders of this package are cut for.")
	books := jen.Index().Op("*").Qual(codebookPath, "Book")
	f.Func().Id("Books").Params().Add(books).Block(
		jen.Return(jen.Qual("slices", "Clone").Call(jen.Id("books").Call())),
	)

	f.Line()
	f.Comment("Histogram counts the exponents of the model's coded weights.")
	f.Func().Id("Histogram").Params().Qual(codebookPath, "Histogram").Block(
		jen.Var().Id("sum").Qual(codebookPath, "Histogram"),
		jen.For(jen.Id("i").Op(":=").Range().Id("histograms")).Block(
			jen.Id("sum").Dot("Add").Call(jen.Op("&").Id("histograms").Index(jen.Id("i"))),
		),
		jen.Return(jen.Id("sum")),
	)

	f.Line()
	f.Comment("histograms counts the exponents coded with each of the books.")
	f.Var().Id("histograms").Op("=").Index().Qual(codebookPath, "Histogram").
		Values(each(p, func(i int) jen.Code { return jen.Id(numbered("counts", i)) })...)

	f.Line()
	f.Var().Id("books").Op("=").Qual("sync", "OnceValue").Call(
		jen.Func().Params().Add(books).Block(
			jen.Return(books.Clone().Add(multiLine(each(p, func(i int) jen.Code { return newBook(p, i) })))),
		),
	)

	f.Line()
	f.Comment("must panics on the error of a book that was sound when it was generated.")
	f.Func().Id("must").
		Params(jen.Id("book").Op("*").Qual(codebookPath, "Book"), jen.Err().Error()).
		Op("*").Qual(codebookPath, "Book").
		Block(
			jen.If(jen.Err().Op("!=").Nil()).Block(
				jen.Panic(jen.Lit(p.Package+": ").Op("+").Err().Dot("Error").Call()),
			),
			jen.Return(jen.Id("book")),
		)
}

// kernelFields lists the fields of the runtime.Kernel literal.
func kernelFields(p *Plan, compiled Embedding) []jen.Code {
	fields := []jen.Code{
		jen.Id("ABI").Op(":").Lit(kernel.ABI),
		jen.Id("Name").Op(":").Lit(p.Package),
		jen.Id("Books").Op(":").Id("Books").Call(),
		jen.Id("AVX512").Op(":").Id("avx512").Call(),
	}
	return append(fields, cudaFields(compiled, cudaLaunches(p))...)
}

// cudaFields lists the fields of the runtime.Kernel literal that have the GPU decoder.
func cudaFields(compiled Embedding, launches []launch.Launch) []jen.Code {
	fields := []jen.Code{jen.Id("CUDA").Op(":").Id("cudaSource")}
	if compiled.PTX {
		fields = append(fields, jen.Id("PTX").Op(":").Id("ptxSource"))
	}
	if compiled.Fatbin {
		fields = append(fields, jen.Id("Fatbin").Op(":").Id("fatbin"))
	}
	var described []jen.Code
	for _, l := range launches {
		described = append(described, launchLiteral(l))
	}
	return append(fields, jen.Id("Launches").Op(":").Index().Qual(kernelPath, "CUDALaunch").Add(multiLine(described)))
}

// launchLiteral describes a kernel.
func launchLiteral(l launch.Launch) jen.Code {
	fields := []jen.Code{
		jen.Id("Entry").Op(":").Lit(l.Entry),
		jen.Id("Threads").Op(":").Lit(l.Threads),
	}
	if l.TableBits > 0 {
		fields = append(fields, jen.Id("TableBits").Op(":").Lit(l.TableBits))
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"Tiles", l.Tiles}, {"Product", l.Product}, {"Strides", l.Strides}, {"Sized", l.Sized}, {"Reports", l.Reports}} {
		if flag.set {
			fields = append(fields, jen.Id(flag.name).Op(":").True())
		}
	}
	return jen.Values(fields...)
}

// multiLine is the body of a composite literal with its elements on lines of their own.
func multiLine(elements []jen.Code) jen.Code {
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, elements...)
}

// each collects the code for every book of the plan.
func each(p *Plan, code func(book int) jen.Code) []jen.Code {
	var all []jen.Code
	for i := range p.Books {
		all = append(all, code(i))
	}
	return all
}

// numbered returns the name of the variable that belongs to a book.
func numbered(name string, book int) string { return fmt.Sprintf("%s%d", name, book) }

// newFile starts a file with the header and, unless it is empty, a build constraint.
func newFile(pkg, header, constraint string) *jen.File {
	f := jen.NewFile(pkg)
	f.NoFormat = true
	f.HeaderComment("// " + header)
	if constraint != "" {
		f.HeaderComment("//go:build " + constraint)
	}
	f.ImportName(codebookPath, "codebook")
	f.ImportName(runtimePath, "runtime")
	f.ImportName(kernelPath, "kernel")
	f.ImportName(kernelTestPath, "kerneltest")
	return f
}

// render returns the formatted source. If formatting fails, it returns the unformatted source and the error.
func render(f *jen.File) ([]byte, error) {
	var raw bytes.Buffer
	if err := f.Render(&raw); err != nil {
		return nil, fmt.Errorf("emit: %w", err)
	}
	source, err := format.Source(groupImports(raw.Bytes()))
	if err != nil {
		return raw.Bytes(), fmt.Errorf("emit: formatting: %w", err)
	}
	return source, nil
}

// groupImports separates the imports of the standard library from the others. jennifer does not do that.
func groupImports(source []byte) []byte {
	before, rest, found := strings.Cut(string(source), "import (\n")
	block, after, closed := strings.Cut(rest, ")\n")
	if !found || !closed {
		return source
	}
	var std, others []string
	for line := range strings.Lines(block) {
		switch {
		case strings.TrimSpace(line) == "":
		case strings.Contains(line, "."):
			others = append(others, line)
		default:
			std = append(std, line)
		}
	}
	slices.Sort(others)
	return []byte(before + "import (\n" + strings.Join(std, "") + "\n" + strings.Join(others, "") + ")\n" + after)
}

// Test renders the file NAME_test.go, which compares every decoder of the package with the reference.
func Test(p *Plan) ([]byte, error) {
	f := newFile(p.Package, p.Header(), "")
	f.Comment("suite is this package to the tests that all generated packages share.")
	f.Var().Id("suite").Op("=").Qual(kernelTestPath, "Suite").Add(multiLine([]jen.Code{
		jen.Id("Kernel").Op(":").Id("Kernel").Call(),
		jen.Id("Hash").Op(":").Id("Hash"),
		jen.Id("Histograms").Op(":").Id("histograms"),
	}))
	for _, test := range []struct{ name, method, comment string }{
		{"TestBooks", "Books", "holds the code books to the hash in the header of every file."},
		{"TestSources", "Sources", "holds the GPU sources to the same hash."},
		{"TestDecode", "Decode", "holds every decoder to the reference, on sound streams and on damaged ones."},
	} {
		f.Line()
		f.Comment(test.name + " " + test.comment)
		f.Func().Id(test.name).Params(jen.Id("t").Op("*").Qual("testing", "T")).
			Block(jen.Id("suite").Dot(test.method).Call(jen.Id("t")))
	}
	f.Line()
	f.Comment("BenchmarkDecode compares the decoders.")
	f.Func().Id("BenchmarkDecode").Params(jen.Id("b").Op("*").Qual("testing", "B")).
		Block(jen.Id("suite").Dot("Benchmark").Call(jen.Id("b")))
	return render(f)
}

// NoAssembly renders the file decode_noasm.go. It replaces what [Assembly] makes in builds without assembly, or in
// all builds if Assembly makes nothing.
func NoAssembly(p *Plan) ([]byte, error) {
	constraint, why := "!amd64 || purego", "this build has no assembly"
	if _, _, ok := p.WindowShape(); !ok {
		constraint, why = "", "no code book can be decoded by windows"
	}
	f := newFile(p.Package, p.Header(), constraint)
	f.Comment("avx512 lists no decoders: " + why + ".")
	f.Func().Id("avx512").Params().Index().Qual(kernelPath, "WindowDecoder").Block(jen.Return(jen.Nil()))
	return render(f)
}
