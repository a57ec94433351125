package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/product"
)

// ProductsAVX2 is [Products] for [product.BatchesAVX2], for AVX2 and FMA. The kernels take whole groups of columns only.
func ProductsAVX2(header string, names []string) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	upper := vector(ctx, "upperHalvesAVX2", 32, func(i int) byte { return [4]byte{0, 0, 0xff, 0xff}[i%4] })
	for i, name := range names {
		if err := validateName(name); err != nil {
			return nil, err
		}
		k := productKernelAVX2{productKernel{Context: ctx, vectors: product.BatchesAVX2[i], upper: upper}}
		k.emit(name, product.RowsAtOnceAVX2[i])
	}
	return assembled(ctx, header)
}

// A productKernelAVX2 emits a [product.Kernel]. A vector has half of the sums of a row, and half of a group of columns.
type productKernelAVX2 struct{ productKernel }

// emit writes the whole function.
func (k *productKernelAVX2) emit(name string, rowsAtOnce int) {
	k.Function(name)
	k.Attributes(attr.NOSPLIT)
	k.Signature(signature(productPath, "Job"))
	k.Commentf("Multiplies rows with %d vectors, %d rows side by side, in the order of sums of package product.", k.vectors, rowsAtOnce)
	k.begin()
	k.rowsOf(rowsAtOnce)
	k.rowsOf(1)
	k.VZEROUPPER()
	k.RET()
}

// rowsOf multiplies rows while there are n of them.
func (k *productKernelAVX2) rowsOf(n int) {
	loop, group, end := label("rows", n), label("group", n), label("end", n)
	k.Commentf("%d rows side by side.", n)
	k.Label(loop)
	k.CMPQ(k.rows, operand.Imm(uint64(n)))
	k.JLT(operand.LabelRef(end))
	rows, ahead, x := k.addresses(n)
	sums := make([][][2]reg.VecVirtual, n) // by row, then vector, then half
	for i := range sums {
		sums[i] = make([][2]reg.VecVirtual, k.vectors)
		for j := range sums[i] {
			for half := range sums[i][j] {
				s := k.YMM()
				k.VPXOR(s, s, s)
				sums[i][j][half] = s
			}
		}
	}
	left := k.GP64()
	k.MOVQ(k.field(product.OffGroups), left)
	k.Label(group)
	for i := range n {
		k.PREFETCHT0(ahead.at(i))
	}
	for half := range 2 {
		for parity := range 2 {
			words := make([]reg.VecVirtual, n)
			for i := range words {
				words[i] = k.YMM()
				m := rows.at(i).Offset(product.Group * half)
				if parity == 0 {
					k.VMOVDQU(m, words[i])
					k.VPSLLD(operand.Imm(16), words[i], words[i])
				} else {
					k.VMOVDQU(k.upper, words[i])
					k.VPAND(m, words[i], words[i])
				}
			}
			for j := range k.vectors {
				v := k.YMM()
				k.VMOVUPS(x.at(j).Offset(xHalf*parity+xHalf/2*half), v)
				for i := range words {
					k.VFMADD231PS(v, words[i], sums[i][j][half])
				}
			}
		}
	}
	k.advance(rows, ahead, x)
	k.DECQ(left)
	k.JNZ(operand.LabelRef(group))
	y, stride := k.resultsAt()
	for j := range k.vectors {
		for i := range sums {
			low, high := sums[i][j][0], sums[i][j][1]
			k.VADDPS(high, low, low)
			k.VEXTRACTF128(operand.Imm(1), low, high.AsX())
			k.VADDPS(high.AsX(), low.AsX(), low.AsX())
			k.VPERMILPS(operand.Imm(0x4e), low.AsX(), high.AsX())
			k.VADDPS(high.AsX(), low.AsX(), low.AsX())
			k.VPERMILPS(operand.Imm(0xb1), low.AsX(), high.AsX())
			k.VADDPS(high.AsX(), low.AsX(), low.AsX())
			k.VMOVSS(low.AsX(), operand.Mem{Base: y, Disp: 4 * i})
		}
		k.ADDQ(stride, y)
	}
	k.next(n)
	k.JMP(operand.LabelRef(loop))
	k.Label(end)
}
