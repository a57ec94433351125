package emit

import "github.com/dave/jennifer/jen"

// Test renders the file NAME_test.go, which holds every decoder of the package against the
// reference.
func Test(p *Plan) ([]byte, error) {
	f := newFile(p, "")
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
