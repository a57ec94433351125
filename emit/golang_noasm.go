package emit

import "github.com/dave/jennifer/jen"

// NoAssembly renders the file decode_noasm.go, which takes the place of what [Assembly] makes in
// builds without assembly.
func NoAssembly(p *Plan) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	f := newFile(p, "!amd64 || purego")
	for _, name := range []string{"avx512", "avx2"} {
		f.Comment(name + " lists no decoders: this build has no assembly.")
		f.Func().Id(name).Params().Index().Qual(kernelPath, "Decoder").Block(jen.Return(jen.Nil()))
		f.Line()
	}
	return render(f)
}
