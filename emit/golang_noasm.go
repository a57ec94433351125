package emit

import "github.com/dave/jennifer/jen"

// NoAssembly renders the file decode_noasm.go, which takes the place of what [Assembly] makes: in
// builds without assembly or, where it makes nothing, in all.
func NoAssembly(p *Plan) ([]byte, error) {
	constraint, why := "!amd64 || purego", "this build has no assembly"
	if _, _, ok := p.WindowShape(); !ok {
		constraint, why = "", "no code book can be decoded by windows"
	}
	f := newFile(p, constraint)
	f.Comment("avx512 lists no decoders: " + why + ".")
	f.Func().Id("avx512").Params().Index().Qual(kernelPath, "WindowDecoder").Block(jen.Return(jen.Nil()))
	return render(f)
}
