package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// Encoder returns a Go assembly file with the hot loops of package encode. Its first line is "// " and header.
func Encoder(header string) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	e := encoder{ctx}
	e.split()
	e.pack()
	e.shift()
	e.gaps()
	e.count()
	return assembled(ctx, header)
}

// encoder emits the functions that package encode declares.
type encoder struct{ *build.Context }

// begin starts a function. The overview becomes comments at its start.
func (e encoder) begin(name, signature string, overview ...string) {
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr(signature)
	e.Comment(overview...)
}

// param loads an argument of the function.
func (e encoder) param(name string) reg.GPVirtual {
	return e.Load(e.Param(name), e.GP64()).(reg.GPVirtual)
}
