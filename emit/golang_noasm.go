package emit

import "github.com/dave/jennifer/jen"

// NoAssembly renders the file decode_noasm.go, which takes the place of what [AVX2] makes in
// builds without assembly.
func NoAssembly(p *Plan) ([]byte, error) {
	if err := checkGo(p); err != nil {
		return nil, err
	}
	f := newFile(p, "!amd64 || purego")
	f.Comment("avx2 lists no decoders: this build has no assembly.")
	f.Func().Id("avx2").Params().Index().Qual(kernelPath, "Decoder").Block(jen.Return(jen.Nil()))
	return render(f)
}
