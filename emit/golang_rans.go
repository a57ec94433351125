package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// Names of the generated files of a model that is coded with rANS.
const (
	RansCUDAName   = "rans.cu"
	RansPTXName    = "rans.ptx"
	RansFatbinName = "rans.fatbin"
)

// RansPackage renders the file NAME.go. It has the figures of the plan as its doc comment, and the kernel for runtime.Open.
func RansPackage(p *RansPlan, compiled Embedding) ([]byte, error) {
	f := newFile(p.Package, p.Header(), "")
	comment(f, p.Figures(), fmt.Sprintf("Package %s has the kernels that decode and multiply the rANS checkpoint of %s on GPUs.", p.Package, p.Model), "",
		"Start with [Open], or hand [Kernel] to runtime.Open. On CPUs, package runtime has any table in registers, so",
		"nothing is generated for them.")
	f.Anon("embed")

	f.Comment("Hash identifies the tables of this package together.")
	f.Const().Id("Hash").Op("=").Lit(p.Hash())
	embedded(f, RansCUDAName, RansPTXName, RansFatbinName, compiled)
	open(f, "Open opens the rANS checkpoint at path, a folder or a single safetensors file. On a GPU, it is decoded by",
		"this package's kernel.")
	f.Line()
	f.Comment("Kernel returns what runtime.Open needs to decode with this package.")
	f.Func().Id("Kernel").Params().Op("*").Qual(runtimePath, "Kernel").Block(
		jen.Return(jen.Op("&").Qual(runtimePath, "Kernel").Add(multiLine(append([]jen.Code{
			jen.Id("ABI").Op(":").Lit(kernel.ABI),
			jen.Id("Name").Op(":").Lit(p.Package),
		}, cudaFields(compiled, ransLaunches(p))...)))),
	)
	return render(f)
}

// RansTest renders the file NAME_test.go.
func RansTest(p *RansPlan) ([]byte, error) {
	f := newFile(p.Package, p.Header(), "")
	f.Comment("TestSources holds the GPU sources to the hash in the header of every file.")
	f.Func().Id("TestSources").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.Id("suite").Op(":=").Qual(kernelTestPath, "Suite").Values(
			jen.Id("Kernel").Op(":").Id("Kernel").Call(),
			jen.Id("Hash").Op(":").Id("Hash"),
		),
		jen.Id("suite").Dot("Sources").Call(jen.Id("t")),
	)
	return render(f)
}
