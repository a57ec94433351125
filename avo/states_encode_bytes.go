package avo

import (
	"fmt"
	"unsafe"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// ByteStateEncoders returns a Go assembly file with the encoders of states for AVX2: encodeExponentsAVX2 and encodeJointAVX2,
// for one block; and countJointAVX2, which counts joint symbols. The first line of the file is "// " and header.
func ByteStateEncoders(header string) ([]byte, error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr(constraint)
	c := newByteEncodeConstants(ctx)
	for form, name := range []string{"encodeExponentsAVX2", "encodeJointAVX2"} {
		d := byteEncoder{Context: ctx, form: rans.Form(form), c: c}
		d.emit(name)
	}
	countJointBytes(ctx)
	return assembled(ctx, header)
}

// A byteEncoder emits an encoder of states for AVX2: see states.Encoder. The states stay in the job.
type byteEncoder struct {
	*build.Context
	form rans.Form
	c    byteEncodeConstants

	job, tables           reg.GPVirtual
	weights, plane, words reg.GPVirtual // of the present step, and the last word
	patched, missing      reg.GPVirtual // the words of the steps; all bits of them so far
	steps, ranges         reg.GPVirtual // the number that is left; the end of the ranges
	masks                 reg.GPVirtual // the address of the constant compress
	places                operand.Mem   // of the symbols of the step, in bytes
}

// emit writes the whole function.
func (d *byteEncoder) emit(name string) {
	d.Function(name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(statesPath, "EncodeJob"))
	d.Commentf("Codes %d weights in a step, from the last step to the first. A state is 16 bits of a vector of low and 16 bits of a",
		rans.States)
	d.Comment("vector of high halves. Words of 16 bits are looked up as bytes.")
	d.job = d.Load(d.Param("job"), d.GP64()).(reg.GPVirtual)
	at := func(off uintptr) reg.GPVirtual {
		r := d.GP64()
		d.MOVQ(d.field(off), r)
		return r
	}
	d.tables, d.steps, d.masks, d.missing = at(states.OffEncodeTables), at(states.OffEncodeSteps), d.GP64(), d.GP64()
	d.patched = at(states.OffEncodePatched)
	d.LEAQ(d.c.compress, d.masks)
	d.XORQ(d.missing, d.missing)
	d.places = d.AllocLocal(rans.States)
	var t states.EncodeByteTables
	d.ranges = d.GP64()
	d.IMUL3Q(operand.Imm(uint64(unsafe.Sizeof(t.Ranges[0]))), d.table(unsafe.Offsetof(t.RangesLen)), d.ranges)
	d.LEAQ(operand.Mem{Base: d.tables, Index: d.ranges, Scale: 1, Disp: d.table(unsafe.Offsetof(t.Ranges)).Disp}, d.ranges)
	d.Comment("To the end of the last step.")
	d.weights, d.plane, d.words = d.GP64(), d.GP64(), at(states.OffEncodeLeft)
	d.IMUL3Q(operand.U32(2*rans.States), d.steps, d.weights)
	d.IMUL3Q(operand.Imm(uint64(d.form.PlaneBytes(rans.States))), d.steps, d.plane)
	d.ADDQ(d.field(states.OffEncodeWeights), d.weights)
	d.ADDQ(d.field(states.OffEncodePlane), d.plane)
	d.ADDQ(d.field(states.OffEncodeWords), d.words)
	d.Label("step")
	d.SUBQ(operand.I32(2*rans.States), d.weights)
	d.SUBQ(operand.Imm(uint64(d.form.PlaneBytes(rans.States))), d.plane)
	d.PREFETCHT0(operand.Mem{Base: d.weights, Disp: -prefetchBefore})
	d.PREFETCHT0(operand.Mem{Base: d.weights, Disp: -prefetchBefore + 64})
	d.PREFETCHT0(operand.Mem{Base: d.plane, Disp: -prefetchBefore})
	d.look()
	d.next(1)
	if d.form == rans.Exponent {
		d.exponentPlane()
	} else {
		d.jointPlane()
	}
	d.next(0)
	d.DECQ(d.steps)
	d.JNZ(operand.LabelRef("step"))
	d.MOVQ(d.missing, d.field(states.OffEncodeAnyPatched))
	d.SUBQ(d.field(states.OffEncodeWords), d.words)
	d.MOVQ(d.words, d.field(states.OffEncodeLeft))
	d.VZEROUPPER()
	d.RET()
}

// field is a word of the job.
func (d *byteEncoder) field(off uintptr) operand.Mem {
	return operand.Mem{Base: d.job, Disp: int(off)}
}

// half is vector i of half g of the states: their low halves for 0, their high halves for 1.
func (d *byteEncoder) half(of, g, i int) operand.Mem {
	return d.field(states.OffEncodeStates + uintptr(2*rans.States*of+2*states.VectorLanes*g+32*i))
}

// table is a table of the job.
func (d *byteEncoder) table(off uintptr) operand.Mem {
	return operand.Mem{Base: d.tables, Disp: int(unsafe.Offsetof(states.EncodeTables{}.Bytes) + off)}
}

// each makes two vectors of words from what f does.
func (d *byteEncoder) each(f func(i int, v vec)) (words [2]vec) {
	for i := range words {
		words[i] = d.YMM()
		f(i, words[i])
	}
	return words
}

// An index is of bytes: as it is, and less half the number of buckets.
type index struct{ low, high vec }

// index makes an index.
func (d *byteEncoder) index(bytes vec) index {
	high := d.YMM()
	d.VPSUBB(d.c.halfBuckets, bytes, high)
	return index{bytes, high}
}

// bytes looks up a states.ByteTable.
func (d *byteEncoder) bytes(off uintptr, at index) vec {
	low, high := d.YMM(), d.YMM()
	d.VBROADCASTI128(d.table(off), low)
	d.VBROADCASTI128(d.table(off+16), high)
	d.VPSHUFB(at.low, low, low)
	d.VPSHUFB(at.high, high, high)
	d.VPXOR(high, low, low)
	return low
}

// looked looks up words, in two vectors.
func (d *byteEncoder) looked(off uintptr, at index) [2]vec {
	return d.unpacked(d.bytes(off, at), d.bytes(off+unsafe.Sizeof(states.ByteTable{}), at))
}

// unpacked makes words of their low and high bytes.
func (d *byteEncoder) unpacked(low, high vec) (words [2]vec) {
	words[0], words[1] = d.YMM(), d.YMM()
	d.VPUNPCKLBW(high, low, words[0])
	d.VPUNPCKHBW(high, low, words[1])
	return words
}

// packed makes bytes of masks of words.
func (d *byteEncoder) packed(words [2]vec) vec {
	v := d.YMM()
	d.VPACKSSWB(words[1], words[0], v)
	return v
}

// next codes a symbol in each state of a half.
func (d *byteEncoder) next(g int) {
	var t states.EncodeByteTables
	d.Comment(fmt.Sprintf("Half %d of the states: words, where a state would be too large otherwise.", g))
	places := d.YMM()
	d.VMOVDQU(d.places.Offset(states.VectorLanes*g), places)
	place := d.index(places)
	frequency := d.looked(unsafe.Offsetof(t.Frequency), place)
	kept := d.each(func(i int, v vec) {
		d.VMOVDQU(d.half(1, g, i), v)
		d.VPSRLW(operand.Imm(log2(states.Grain)), v, v)
		d.VPCMPGTW(v, frequency[i], v)
	})
	lo := d.each(func(i int, v vec) {
		d.VMOVDQU(d.half(1, g, i), v)
		d.VPBLENDVB(kept[i], d.half(0, g, i), v, v)
	})
	hi := d.each(func(i int, v vec) { d.VPAND(d.half(1, g, i), kept[i], v) })
	d.emitWords(g, kept)

	d.Comment("Divide the grains of the state. The quotient may be up to 3 too small at first.")
	whole := d.looked(unsafe.Offsetof(t.Whole), place)
	quotient := d.each(func(i int, v vec) {
		lower := d.YMM()
		d.VPMULLW(whole[i], hi[i], v)
		d.VPMULHUW(whole[i], lo[i], lower)
		d.VPADDW(lower, v, v)
	})
	part := d.looked(unsafe.Offsetof(t.Part), place)
	rank := d.each(func(i int, v vec) {
		d.VPMULHUW(part[i], hi[i], part[i])
		d.VPADDW(part[i], quotient[i], quotient[i])
		d.VPSLLW(operand.Imm(16-log2(states.Grain)), hi[i], v)
		grains := d.YMM()
		d.VPSRLW(operand.Imm(log2(states.Grain)), lo[i], grains)
		d.VPOR(grains, v, v)
		d.VPMULLW(frequency[i], quotient[i], grains)
		d.VPSUBW(grains, v, v)
	})
	cell := d.each(func(i int, v vec) {
		d.VPSLLW(operand.Imm(log2(rans.Buckets)), lo[i], v)
		d.VPAND(d.c.rankLow, v, v)
	})
	for i, q := range quotient {
		f, less, twice := frequency[i], d.YMM(), d.YMM()
		d.VPADDW(f, f, twice)
		d.VPCMPGTW(rank[i], twice, less)
		d.VPSUBW(twice, rank[i], twice)
		d.VPMINUW(twice, rank[i], rank[i])
		d.VPADDW(less, less, less)
		d.VPADDW(d.c.three, q, q)
		d.VPADDW(less, q, q)
		d.VPCMPGTW(rank[i], f, less)
		d.VPSUBW(f, rank[i], f)
		d.VPMINUW(f, rank[i], rank[i])
		d.VPADDW(less, q, q)
		d.VMOVDQU(q, d.half(1, g, i))
	}
	d.cells(g, place, rank, cell)
}

// cells stores the low halves of states, given the grains of ranks, and for each cell what its rank has below the grain.
func (d *byteEncoder) cells(g int, place index, rank, cell [2]vec) {
	var t states.EncodeByteTables
	d.Comment("The cell of the rank: of the own bucket, or of one that a search finds.")
	zero := d.YMM()
	d.VPXOR(zero, zero, zero)
	own := d.unpacked(d.bytes(unsafe.Offsetof(t.Threshold), place), zero)
	for i, v := range own {
		d.VPCMPGTW(rank[i], v, v)
	}
	isOwn := d.packed(own)
	at := d.looked(unsafe.Offsetof(t.Donated), place)
	for i, v := range at {
		d.VPADDW(rank[i], v, v)
		d.VPSLLW(operand.Imm(log2(states.Grain*rans.Buckets)), rank[i], rank[i])
		d.VPADDW(rank[i], cell[i], cell[i])
	}
	table := func(off uintptr) vec {
		v := d.YMM()
		d.VBROADCASTI128(d.table(off), v)
		return v
	}
	root := table(unsafe.Offsetof(t.Root))
	label := d.each(func(i int, v vec) {
		d.VPCMPGTW(root, at[i], v)
		d.VPAND(d.c.bits[0], v, v)
		d.VPOR(d.c.highBytes, v, v)
	})
	for level := range t.Nodes[:2] {
		nodes := table(unsafe.Offsetof(t.Nodes) + uintptr(level)*unsafe.Sizeof(t.Nodes[0]))
		for i, v := range label {
			more := d.YMM()
			d.VPSHUFB(v, nodes, more)
			d.VPCMPGTW(more, at[i], more)
			d.VPAND(d.c.bits[level+1], more, more)
			d.VPOR(more, v, v)
		}
	}
	nodes := table(unsafe.Offsetof(t.Nodes) + 2*unsafe.Sizeof(t.Nodes[0]))
	third := d.each(func(i int, v vec) {
		d.VPSHUFB(label[i], nodes, v)
		d.VPCMPGTW(v, at[i], v)
	})
	leaves := [2]vec{table(unsafe.Offsetof(t.Leaves)), table(unsafe.Offsetof(t.Leaves) + unsafe.Sizeof(t.Leaves[0]))}
	fourth := d.each(func(i int, v vec) {
		more := d.YMM()
		d.VPSHUFB(label[i], leaves[0], v)
		d.VPSHUFB(label[i], leaves[1], more)
		d.VPAND(third[i], more, more)
		d.VPXOR(more, v, v)
		d.VPCMPGTW(at[i], v, v)
		d.VPSRLW(operand.Imm(8), label[i], label[i])
	})
	donation := index{d.YMM(), d.YMM()}
	d.VPACKUSWB(label[1], label[0], donation.low)
	d.VPADDB(d.packed(third), donation.low, donation.low)
	d.VPOR(d.packed(fourth), donation.low, donation.high)
	low, high := d.bytes(unsafe.Offsetof(t.Donations), donation), d.bytes(unsafe.Offsetof(t.Donations)+unsafe.Sizeof(t.Donations[0]), donation)
	d.VPBLENDVB(isOwn, place.low, low, low)
	d.VPANDN(high, isOwn, high)
	for i, v := range d.unpacked(low, high) {
		d.VPADDW(cell[i], v, v)
		d.VMOVDQU(v, d.half(0, g, i))
	}
}

// emitWords stores the low halves of the states of half g that are not kept before the last word.
func (d *byteEncoder) emitWords(g int, kept [2]vec) {
	mask := d.GP32()
	d.VPMOVMSKB(d.packed(kept), mask)
	d.NOTL(mask)
	for i := len(kept) - 1; i >= 0; i-- {
		for half := 1; half >= 0; half-- {
			m, words := d.GP32(), d.XMM()
			d.RORXL(operand.Imm(uint64(8*i+16*half+32-3)%32), mask, m)
			d.ANDL(operand.U32(0xff<<3), m)
			d.VMOVDQU(d.half(0, g, i).Offset(16*half), words)
			d.VPSHUFB(operand.Mem{Base: d.masks, Index: m.As64(), Scale: 2}, words, words)
			d.VMOVDQU(words, operand.Mem{Base: d.words, Disp: -states.EncodeSpill})
			d.SUBQ(operand.Mem{Base: d.masks, Disp: takenAt, Index: m.As64(), Scale: 1}, d.words)
		}
	}
}
