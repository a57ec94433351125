package avo

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/product"
)

// Products returns a Go assembly file with the kernels of [product.Batches], for AVX-512. names has one for each. The first
// line of the file is "// " and header.
func Products(header string, names []string) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	upper := upperHalves(ctx)
	for i, name := range names {
		if err := validateName(name); err != nil {
			return nil, err
		}
		k := productKernel{Context: ctx, vectors: product.Batches[i], upper: upper}
		k.emit(name, product.RowsAtOnce[i])
	}
	return assembled(ctx, header)
}

// A productKernel emits a [product.Kernel].
type productKernel struct {
	*build.Context
	vectors int
	upper   operand.Mem

	job, w, y, rows reg.GPVirtual
}

// xHalf is the size of half a group of a vector, in bytes.
const xHalf = 4 * product.Sums

// emit writes the whole function.
func (k *productKernel) emit(name string, rowsAtOnce int) {
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

// begin loads what stays in registers.
func (k *productKernel) begin() {
	k.job = k.Load(k.Param("job"), k.GP64()).(reg.GPVirtual)
	k.w, k.y, k.rows = k.GP64(), k.GP64(), k.GP64()
	k.MOVQ(k.field(product.OffW), k.w)
	k.MOVQ(k.field(product.OffY), k.y)
	k.MOVQ(k.field(product.OffRows), k.rows)
}

// addresses loads where the next n rows are, the n rows behind them, and the vectors. It moves on to the rows behind.
func (k *productKernel) addresses(n int) (rows, ahead, x strided) {
	rows = k.strided(k.w, n, product.OffRowBytes)
	k.IMUL3Q(operand.Imm(uint64(n)), rows.stride, k.w)
	k.ADDQ(rows.bases[0], k.w)
	ahead = k.strided(k.w, n, product.OffRowBytes)
	first := k.GP64()
	k.MOVQ(k.field(product.OffX), first)
	return rows, ahead, k.strided(first, k.vectors, product.OffXStride)
}

// advance goes on to the next group of columns.
func (k *productKernel) advance(rows, ahead, x strided) {
	for _, p := range append(rows.bases, ahead.bases...) {
		k.ADDQ(operand.I32(2*product.Group), p)
	}
	for _, p := range x.bases {
		k.ADDQ(operand.I32(2*xHalf), p)
	}
}

// next goes on to the results of the rows behind n rows.
func (k *productKernel) next(n int) {
	k.ADDQ(operand.Imm(uint64(4*n)), k.y)
	k.SUBQ(operand.Imm(uint64(n)), k.rows)
}

// resultsAt loads where the results of the first vector go, and the distance to those of the next.
func (k *productKernel) resultsAt() (y, stride reg.GPVirtual) {
	y, stride = k.GP64(), k.GP64()
	k.MOVQ(k.y, y)
	k.MOVQ(k.field(product.OffYStride), stride)
	return y, stride
}

// field is a field of the job.
func (k *productKernel) field(off uintptr) operand.Mem {
	return operand.Mem{Base: k.job, Disp: int(off)}
}

// rowsOf multiplies rows while there are n of them.
func (k *productKernel) rowsOf(n int) {
	loop, group, tail, sum, end := label("rows", n), label("group", n), label("tail", n), label("sum", n), label("end", n)
	k.Commentf("%d rows side by side.", n)
	k.Label(loop)
	k.CMPQ(k.rows, operand.Imm(uint64(n)))
	k.JLT(operand.LabelRef(end))
	rows, ahead, x := k.addresses(n)
	left := k.GP64()
	k.XORQ(left, left)
	sums := make([][]vec, n) // by row, then vector
	for i := range sums {
		for range k.vectors {
			s := k.ZMM()
			k.VPBROADCASTD(left.As32(), s) // unlike VPXORD, does not read what is not there yet
			sums[i] = append(sums[i], s)
		}
	}
	k.MOVQ(k.field(product.OffGroups), left)
	k.TESTQ(left, left)
	k.JZ(operand.LabelRef(tail))
	k.Label(group)
	for i := range n {
		k.PREFETCHT0(ahead.at(i))
	}
	k.group(&rows, &x, sums, func(m operand.Mem, words vec) { k.VMOVDQU64(m, words) })
	k.advance(rows, ahead, x)
	k.DECQ(left)
	k.JNZ(operand.LabelRef(group))
	k.Label(tail)
	k.MOVQ(k.field(product.OffTail), left)
	k.TESTQ(left, left)
	k.JZ(operand.LabelRef(sum))
	k.Comment("The group that is not whole.")
	mask := k.K()
	k.KMOVD(left.As32(), mask)
	k.group(&rows, &x, sums, func(m operand.Mem, words vec) { k.VMOVDQU16_Z(m, mask, words) })
	k.Label(sum)
	k.results(sums)
	k.next(n)
	k.JMP(operand.LabelRef(loop))
	k.Label(end)
}

// A strided reaches rows or vectors that are one distance apart. An address has a base, and the distance as its index.
type strided struct {
	bases  []reg.GPVirtual // of numbers 0, 3, and so on
	stride reg.GPVirtual
}

// strided loads the addresses of n rows or vectors. The field at off has their distance.
func (k *productKernel) strided(first reg.GPVirtual, n int, off uintptr) (s strided) {
	s.stride = k.GP64()
	k.MOVQ(k.field(off), s.stride)
	for i := 0; i < n; i += 3 {
		p := k.GP64()
		if i == 0 {
			k.MOVQ(first, p)
		} else {
			k.LEAQ(operand.Mem{Base: s.bases[i/3-1], Index: s.stride, Scale: 2}, p)
			k.ADDQ(s.stride, p)
		}
		s.bases = append(s.bases, p)
	}
	return s
}

// at is where number i is.
func (s *strided) at(i int) operand.Mem {
	m := operand.Mem{Base: s.bases[i/3]}
	if i%3 > 0 {
		m.Index, m.Scale = s.stride, uint8(i%3)
	}
	return m
}

// group adds a group of columns to the sums.
func (k *productKernel) group(rows, x *strided, sums [][]vec, load func(m operand.Mem, words vec)) {
	for half := range 2 {
		// The words are loaded twice, because so many sums leave no registers to keep them in.
		words := make([]vec, len(sums))
		for i := range words {
			words[i] = k.ZMM()
			load(rows.at(i), words[i])
			if half == 0 {
				k.VPSLLD(operand.Imm(16), words[i], words[i])
			} else {
				k.VPANDD(k.upper, words[i], words[i])
			}
		}
		for j := range k.vectors {
			v := k.ZMM()
			k.VMOVUPS(x.at(j).Offset(xHalf*half), v)
			for i := range words {
				k.VFMADD231PS(v, words[i], sums[i][j])
			}
		}
	}
}

// results adds the sums of each row and vector up and stores them.
func (k *productKernel) results(sums [][]vec) {
	y, stride := k.resultsAt()
	for j := range k.vectors {
		for i := range sums {
			addSums(k.Context, sums[i][j])
			k.VMOVSS(sums[i][j].AsX(), operand.Mem{Base: y, Disp: 4 * i})
		}
		k.ADDQ(stride, y)
	}
}
