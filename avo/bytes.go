package avo

import (
	"math/bits"
	"unsafe"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// A byteDecoder emits a decoder of states for AVX2: see states.Decoder. The states stay in the job, and the words of each
// block are in its field Used until the end.
type byteDecoder struct {
	stateDecoder
	c byteConstants

	masks                 reg.GPVirtual // the address of the constant expand
	block                 reg.GPVirtual // 8 times its number
	at, next              reg.GPVirtual // of the block: the states, the next words
	planeOffset, dstStart reg.GPVirtual
}

// byteConstants are what all byte decoders in a file share.
type byteConstants struct {
	buckets operand.Mem // the bits of a low half that name the bucket
	half    operand.Mem // in bytes, half the number of buckets
	one     operand.Mem // in words
	swap    operand.Mem // the bytes of words exchanged
	others  [2]operand.Mem
	fields  [2]operand.Mem // of groups of a joint plane: the two bytes of each of the first and the last four fields
	shifts  [2]operand.Mem // the factors that move these to the highest bits
	// For each mask of 8 lanes, a shuffle that gives them the next words, and zeros to the other lanes. From takenAt on, for
	// each mask, the size of the words, as 8 bytes.
	expand operand.Mem
}

const takenAt = 256 * 16

func newByteConstants(ctx *build.Context) (c byteConstants) {
	c.buckets = vector(ctx, "buckets", 32, func(i int) byte { return [2]byte{rans.Buckets - 1, 0}[i%2] })
	c.half = vector(ctx, "half", 32, func(int) byte { return rans.Buckets / 2 })
	c.one = vector(ctx, "one", 32, func(i int) byte { return [2]byte{1, 0}[i%2] })
	c.swap = vector(ctx, "swap", 32, func(i int) byte { return byte(i%16 ^ 1) })
	for form, name := range []string{"exponentOthers", "jointOthers"} {
		c.others[form] = vector(ctx, name, 32, func(i int) byte { return [][2]byte{{0x7f, 0x80}, {0x3f, 0x80}}[form][i%2] })
	}
	for half, name := range []string{"Low", "High"} {
		bit := func(i int) int { return 7 * (4*half + i/2%4) } // of the field of a word in its group
		c.fields[half] = vector(ctx, "fields"+name, 32, func(i int) byte { return byte(groupsAt[i/16] + i/8%2*7 + min(bit(i)/8+i%2, 6)) })
		c.shifts[half] = vector(ctx, "shifts"+name, 32, func(i int) byte { return byte(1 << (9 - bit(i)%8) >> (8 * (i % 2))) })
	}
	c.expand = vector(ctx, "expand", 256*(16+8), func(i int) byte {
		if i >= takenAt {
			return byte(2 * bits.OnesCount8(uint8((i-takenAt)/8)) * (1 - min(i%8, 1)))
		}
		mask, lane := uint8(i/16), i%16/2
		if mask>>lane&1 == 0 {
			return 0x80 // VPSHUFB then writes a zero
		}
		return byte(2*bits.OnesCount8(mask&(1<<lane-1)) + i%2)
	})
	return c
}

// groupsAt is where the groups of each half of a vector begin that has been loaded from a joint plane.
var groupsAt = [2]int{0, 2}

// emit writes the whole function.
func (d *byteDecoder) emit(name string) {
	d.Function(name)
	d.Attributes(attr.NOSPLIT)
	d.Signature(signature(statesPath, "Job"))
	d.overview()
	d.reload()
	d.MOVQ(operand.I32(0), d.field(states.OffDone))
	d.masks = d.GP64()
	d.LEAQ(d.c.expand, d.masks)
	d.planeOffset, d.dstStart = d.GP64(), d.GP64()
	d.XORQ(d.planeOffset, d.planeOffset)
	d.XORQ(d.dstStart, d.dstStart)
	used := func(k int) operand.Mem { return d.field(states.OffUsed + uintptr(8*k)) }
	for k := range states.Blocks {
		words := d.GP64()
		d.MOVQ(d.field(states.OffWords+uintptr(8*k)), words)
		d.MOVQ(words, used(k))
	}
	d.Label("round")
	steps := d.roomFor(func(k int) operand.Op { return used(k) })
	d.TESTQ(steps, steps)
	d.JLE(operand.LabelRef("end"))
	d.ADDQ(steps, d.field(states.OffDone))
	d.tables = d.GP64()
	d.MOVQ(d.field(states.OffTables), d.tables)
	d.Label("step")
	d.block, d.at = d.GP64(), d.GP64()
	d.XORQ(d.block, d.block)
	d.LEAQ(d.field(states.OffStates), d.at)
	d.Label("block")
	d.step()
	d.ADDQ(operand.I32(2*2*rans.States), d.at)
	d.ADDQ(operand.Imm(8), d.block)
	d.CMPQ(d.block, operand.Imm(8*states.Blocks))
	d.JNE(operand.LabelRef("block"))
	d.ADDQ(operand.Imm(uint64(d.form.PlaneBytes(rans.States))), d.planeOffset)
	d.ADDQ(operand.I32(2*rans.States), d.dstStart)
	d.DECQ(steps)
	d.JNZ(operand.LabelRef("step"))
	d.JMP(operand.LabelRef("round"))
	d.Label("end")
	for k := range states.Blocks {
		words := d.GP64()
		d.MOVQ(used(k), words)
		d.SUBQ(d.field(states.OffWords+uintptr(8*k)), words)
		d.SHRQ(operand.Imm(1), words)
		d.MOVQ(words, used(k))
	}
	d.SFENCE()
	d.VZEROUPPER()
	d.RET()
}

// ofBlock is a word of the job that belongs to the block.
func (d *byteDecoder) ofBlock(off uintptr) operand.Mem {
	m := d.field(off)
	m.Index, m.Scale = d.block, 1
	return m
}

// step decodes the next weights of a block.
func (d *byteDecoder) step() {
	d.next = d.GP64()
	plane, dst := d.GP64(), d.GP64()
	d.MOVQ(d.ofBlock(states.OffUsed), d.next)
	d.MOVQ(d.ofBlock(states.OffPlane), plane)
	d.MOVQ(d.ofBlock(states.OffDst), dst)
	d.ADDQ(d.planeOffset, plane)
	d.ADDQ(d.dstStart, dst)
	d.PREFETCHT0(operand.Mem{Base: plane, Disp: prefetchPlane})
	d.PREFETCHT0(operand.Mem{Base: d.next, Disp: prefetchStateWords})
	for g := range states.Vectors {
		words := d.symbols(g)
		for i := range words {
			others := d.spread(plane, g, i)
			d.VPAND(d.c.others[d.form], others, others)
			d.VPOR(others, words[i], words[i])
		}
		label := []string{"cachedLow", "cachedHigh"}[g]
		d.CMPQ(d.field(states.OffStream), operand.Imm(0))
		d.JEQ(operand.LabelRef(label))
		for i, w := range words {
			d.VMOVNTDQ(w, operand.Mem{Base: dst, Disp: 64*g + 32*i})
		}
		d.JMP(operand.LabelRef(label + "End"))
		d.Label(label)
		for i, w := range words {
			d.VMOVDQU(w, operand.Mem{Base: dst, Disp: 64*g + 32*i})
		}
		d.Label(label + "End")
	}
	d.MOVQ(d.next, d.ofBlock(states.OffUsed))
}

// spread spreads the bits that are not coded over words, which have them where a weight has. The other bits are arbitrary.
func (d *byteDecoder) spread(plane reg.GPVirtual, g, i int) vec {
	v := d.YMM()
	if d.form == rans.Exponent {
		d.VMOVDQU(operand.Mem{Base: plane, Disp: 32 * i}, v)
		if g > 0 {
			d.VPSHUFB(d.c.swap, v, v)
		}
		return v
	}
	d.VBROADCASTI128(operand.Mem{Base: plane, Disp: 28 * i}, v)
	d.VINSERTI128(operand.Imm(1), operand.Mem{Base: plane, Disp: 28*i + 14 - groupsAt[1]}, v, v)
	d.VPSHUFB(d.c.fields[g], v, v)
	d.VPMULLW(d.c.shifts[g], v, v)
	d.VPSRAW(operand.Imm(9), v, v)
	return v
}

// look looks up a byte table, given indices and indices less half the number of buckets. Where their highest bits are both
// set, the result is 0.
func (d *byteDecoder) look(off uintptr, index, upper vec) vec {
	var t states.Tables
	at := operand.Mem{Base: d.tables, Disp: int(unsafe.Offsetof(t.Bytes) + off)}
	low, high := d.YMM(), d.YMM()
	d.VBROADCASTI128(at, low)
	d.VBROADCASTI128(at.Offset(16), high)
	d.VPSHUFB(index, low, low)
	d.VPSHUFB(upper, high, high)
	d.VPXOR(high, low, low)
	return low
}

// words makes words of their low and high bytes: two vectors.
func (d *byteDecoder) words(low, high vec) (words [2]vec) {
	words[0], words[1] = d.YMM(), d.YMM()
	d.VPUNPCKLBW(high, low, words[0])
	d.VPUNPCKHBW(high, low, words[1])
	return words
}

// symbols decodes a symbol in each lane of two vectors, and returns them where words have them.
func (d *byteDecoder) symbols(g int) [2]vec {
	var t states.ByteTables
	state := func(half, i int) operand.Mem {
		return operand.Mem{Base: d.at, Disp: 2*rans.States*half + 2*states.VectorLanes*g + 32*i}
	}
	var part [2]vec
	lo := [2]vec{d.YMM(), d.YMM()}
	for i := range lo {
		d.VMOVDQU(state(0, i), lo[i])
		part[i] = d.YMM()
		d.VPAND(d.c.buckets, lo[i], part[i])
	}
	bucket := d.YMM()
	d.VPACKUSWB(part[1], part[0], bucket)
	for i := range lo {
		part[i] = d.YMM()
		d.VPSRLW(operand.Imm(9), lo[i], part[i])
	}
	cells := d.YMM()
	d.VPACKUSWB(part[1], part[0], cells)
	rank := [2]vec{d.YMM(), d.YMM()}
	for i := range lo {
		d.VPSRLW(operand.Imm(log2(rans.Buckets)), lo[i], rank[i])
	}
	upper := d.YMM()
	d.VPSUBB(d.c.half, bucket, upper)
	own := d.YMM()
	d.VPCMPGTB(cells, d.look(unsafe.Offsetof(t.Threshold), bucket, upper), own)
	index := d.YMM()
	d.VPOR(own, bucket, index)
	d.VPOR(own, upper, upper)
	place := d.look(unsafe.Offsetof(t.Donor), index, upper)
	d.VPXOR(bucket, place, place)
	offset := d.words(d.look(unsafe.Offsetof(t.OffsetLow), index, upper), d.look(unsafe.Offsetof(t.OffsetHigh), index, upper))
	for i := range rank {
		d.VPADDW(offset[i], rank[i], rank[i])
	}
	upper = d.YMM()
	d.VPSUBB(d.c.half, place, upper)
	factor := d.words(d.look(unsafe.Offsetof(t.FrequencyLow), place, upper), d.look(unsafe.Offsetof(t.FrequencyHigh), place, upper))
	symbol := d.look(unsafe.Offsetof(t.Symbol), place, upper)
	var low vec
	if d.form == rans.Joint {
		low = d.look(unsafe.Offsetof(t.SymbolLow), place, upper)
	}
	zero := d.YMM()
	var hi, refill [2]vec
	d.VPXOR(zero, zero, zero)
	for i := range rank {
		product := d.YMM()
		lo[i], hi[i] = d.YMM(), d.YMM()
		d.VMOVDQU(state(1, i), hi[i])
		d.VPMULLW(factor[i], hi[i], product)
		d.VPMULHUW(factor[i], hi[i], hi[i])
		d.VPADDW(rank[i], product, lo[i])
		d.VPSUBUSW(lo[i], product, product)
		d.VPMINUW(d.c.one, product, product)
		d.VPADDW(product, hi[i], hi[i])
		refill[i] = d.YMM()
		d.VPCMPEQW(zero, hi[i], refill[i])
	}
	var words [2]vec
	if d.form == rans.Joint {
		words = d.words(low, symbol)
	} else {
		words = d.words(zero, symbol)
		for _, w := range words {
			d.VPSRLW(operand.Imm(1), w, w)
		}
	}
	both, mask := d.YMM(), d.GP32()
	d.VPACKSSWB(refill[1], refill[0], both)
	d.VPMOVMSKB(both, mask)
	for i := range refill {
		fresh, order := d.YMM(), d.YMM()
		low, high := d.refillOf(mask, 8*i), d.refillOf(mask, 16+8*i)
		d.VBROADCASTI128(operand.Mem{Base: d.next}, fresh)
		d.VBROADCASTI128(d.expand(low), order)
		d.ADDQ(d.taken(low), d.next)
		d.VINSERTI128(operand.Imm(1), operand.Mem{Base: d.next}, fresh, fresh)
		d.VINSERTI128(operand.Imm(1), d.expand(high), order, order)
		d.ADDQ(d.taken(high), d.next)
		d.VPSHUFB(order, fresh, fresh)
		moved := d.YMM()
		d.VPAND(lo[i], refill[i], moved)
		d.VPOR(moved, hi[i], hi[i])
		d.VMOVDQU(hi[i], state(1, i))
		d.VPANDN(lo[i], refill[i], lo[i])
		d.VPOR(fresh, lo[i], lo[i])
		d.VMOVDQU(lo[i], state(0, i))
	}
	return words
}

// refillOf is 8 times the mask of 8 lanes, which begins at a bit of mask.
func (d *byteDecoder) refillOf(mask reg.GPVirtual, bit int) reg.GPVirtual {
	r := d.GP32()
	d.RORXL(operand.Imm(uint64(bit+32-3)%32), mask, r)
	d.ANDL(operand.U32(0xff<<3), r)
	return r
}

// expand is the shuffle for a mask, given 8 times the mask.
func (d *byteDecoder) expand(mask reg.GPVirtual) operand.Mem {
	return operand.Mem{Base: d.masks, Index: mask.As64(), Scale: 2}
}

// taken is the size of the words for a mask, given 8 times the mask.
func (d *byteDecoder) taken(mask reg.GPVirtual) operand.Mem {
	return operand.Mem{Base: d.masks, Disp: takenAt, Index: mask.As64(), Scale: 1}
}
