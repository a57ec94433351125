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
	buckets     operand.Mem // the bits of a low half that name the bucket
	halfBuckets operand.Mem // in bytes, half the number of buckets
	one         operand.Mem // in words
	swap        operand.Mem // the bytes of words exchanged
	others      [2]operand.Mem
	fields      [2]operand.Mem // of groups of a joint plane: the two bytes of each of the first and the last four fields
	shifts      [2]operand.Mem // the factors that move these to the highest bits
	// For each mask of 8 lanes, a shuffle that gives them the next words, and zeros to the other lanes. From takenAt on, for
	// each mask, the size of the words, as 8 bytes.
	expand operand.Mem
}

const takenAt = 256 * 16

func newByteConstants(ctx *build.Context) (c byteConstants) {
	c.buckets = vector(ctx, "buckets", 32, func(i int) byte { return [2]byte{rans.Buckets - 1, 0}[i%2] })
	c.halfBuckets = vector(ctx, "halfBuckets", 32, func(int) byte { return rans.Buckets / 2 })
	c.one = vector(ctx, "one", 32, func(i int) byte { return [2]byte{1, 0}[i%2] })
	c.swap = vector(ctx, "swap", 32, func(i int) byte { return byte(i%16 ^ 1) })
	for form, name := range []string{"exponentOthers", "jointOthers"} {
		c.others[form] = vector(ctx, name, 32, func(i int) byte { return [][2]byte{{0x7f, 0x80}, {0x3f, 0x80}}[form][i%2] })
	}
	for half, name := range []string{"Low", "High"} {
		bit := func(i int) int { return 7 * (4*half + i/2%4) } // of the field of a word in its group
		c.fields[half] = vector(ctx, "fields"+name, 32, func(i int) byte { return byte(groupsAt[i/16] + i/8%2*7 + min(bit(i)/8+i%2, 6)) })
		c.shifts[half] = vector(ctx, "shifts"+name, 32, func(i int) byte {
			factor := 1 << (9 - bit(i)%8)
			return byte(factor >> (8 * (i % 2)))
		})
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
	places := d.places()
	d.MOVQ(d.next, d.ofBlock(states.OffUsed))
	words := d.symbols(places)
	for g := range words {
		for i, w := range words[g] {
			others := d.spread(plane, g, i)
			d.VPAND(d.c.others[d.form], others, others)
			d.VPOR(others, w, w)
		}
	}
	each := func(store func(v, m operand.Op)) {
		for g := range words {
			for i, w := range words[g] {
				store(w, operand.Mem{Base: dst, Disp: 64*g + 32*i})
			}
		}
	}
	d.CMPQ(d.field(states.OffStream), operand.Imm(0))
	d.JEQ(operand.LabelRef("cached"))
	each(d.VMOVNTDQ)
	d.JMP(operand.LabelRef("stored"))
	d.Label("cached")
	each(d.VMOVDQU)
	d.Label("stored")
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

// A both is one vector for each half of the states: bytes.
type both [states.Vectors]vec

// each makes vectors from what f does.
func (d *byteDecoder) each(f func(g int, v vec)) (v both) {
	for g := range v {
		v[g] = d.YMM()
		f(g, v[g])
	}
	return v
}

// look looks up a byte table, given indices and indices less half the number of buckets. Where their highest bits are both
// set, the result is 0.
func (d *byteDecoder) look(off uintptr, index, upper both) both {
	var t states.Tables
	at := operand.Mem{Base: d.tables, Disp: int(unsafe.Offsetof(t.Bytes) + off)}
	table := [2]vec{d.YMM(), d.YMM()}
	d.VBROADCASTI128(at, table[0])
	d.VBROADCASTI128(at.Offset(16), table[1])
	return d.each(func(g int, v vec) {
		high := d.YMM()
		d.VPSHUFB(index[g], table[0], v)
		d.VPSHUFB(upper[g], table[1], high)
		d.VPXOR(high, v, v)
	})
}

// upper returns indices less half the number of buckets.
func (d *byteDecoder) upper(index both) both {
	return d.each(func(g int, v vec) { d.VPSUBB(d.c.halfBuckets, index[g], v) })
}

// words makes words of their low and high bytes: two vectors.
func (d *byteDecoder) words(low, high vec) (words [2]vec) {
	words[0], words[1] = d.YMM(), d.YMM()
	d.VPUNPCKLBW(high, low, words[0])
	d.VPUNPCKHBW(high, low, words[1])
	return words
}

// half is vector i of half g of the states of the block: their low halves for 0, their high halves for 1.
func (d *byteDecoder) half(of, g, i int) operand.Mem {
	return operand.Mem{Base: d.at, Disp: 2*rans.States*of + 2*states.VectorLanes*g + 32*i}
}

// places decodes a symbol from each state, and returns their places.
func (d *byteDecoder) places() both {
	var t states.ByteTables
	bucket := d.each(func(g int, v vec) {
		other := d.YMM()
		d.VMOVDQU(d.c.buckets, other)
		d.VPAND(d.half(0, g, 0), other, v)
		d.VPAND(d.half(0, g, 1), other, other)
		d.VPACKUSWB(other, v, v)
	})
	cell := d.each(func(g int, v vec) {
		other := d.YMM()
		d.VMOVDQU(d.half(0, g, 0), v)
		d.VMOVDQU(d.half(0, g, 1), other)
		d.VPSRLW(operand.Imm(9), v, v)
		d.VPSRLW(operand.Imm(9), other, other)
		d.VPACKUSWB(other, v, v)
	})
	upper := d.upper(bucket)
	own := d.look(unsafe.Offsetof(t.Threshold), bucket, upper)
	for g, v := range own {
		d.VPCMPGTB(cell[g], v, v)
		d.VPOR(v, upper[g], upper[g])
		d.VPOR(v, bucket[g], v)
	}
	place := d.look(unsafe.Offsetof(t.Donor), own, upper)
	for g, v := range place {
		d.VPXOR(bucket[g], v, v)
	}
	offset := [2]both{d.look(unsafe.Offsetof(t.OffsetLow), own, upper), d.look(unsafe.Offsetof(t.OffsetHigh), own, upper)}
	var rank, factor [states.Vectors][2]vec
	for g := range rank {
		rank[g] = d.words(offset[0][g], offset[1][g])
		for i, v := range rank[g] {
			cells := d.YMM()
			d.VMOVDQU(d.half(0, g, i), cells)
			d.VPSRLW(operand.Imm(log2(rans.Buckets)), cells, cells)
			d.VPADDW(cells, v, v)
		}
	}
	upper = d.upper(place)
	frequency := [2]both{d.look(unsafe.Offsetof(t.FrequencyLow), place, upper), d.look(unsafe.Offsetof(t.FrequencyHigh), place, upper)}
	for g := range factor {
		factor[g] = d.words(frequency[0][g], frequency[1][g])
	}
	var mask [states.Vectors]reg.GPVirtual
	var kept [states.Vectors][2]vec
	for g := range rank {
		mask[g], kept[g] = d.advance(g, factor[g], rank[g])
	}
	for g := range rank {
		d.refill(g, mask[g], kept[g])
	}
	return place
}

// advance takes symbols from the states of half g, given their frequencies and ranks. It stores the new high halves, and
// returns the mask of the states that need words, and the low halves of the others.
func (d *byteDecoder) advance(g int, factor, rank [2]vec) (mask reg.GPVirtual, lo [2]vec) {
	lo = rank
	var refill [2]vec
	for i, v := range lo {
		product, hi := d.YMM(), d.YMM()
		d.VPMULLW(d.half(1, g, i), factor[i], product)
		d.VPMULHUW(d.half(1, g, i), factor[i], hi)
		d.VPADDW(product, v, v)
		d.VPSUBUSW(v, product, product)
		d.VPMINUW(d.c.one, product, product)
		d.VPADDW(product, hi, hi)
		refill[i] = product
		d.VPXOR(product, product, product)
		d.VPCMPEQW(product, hi, product)
		moved := d.YMM()
		d.VPAND(v, product, moved)
		d.VPOR(moved, hi, hi)
		d.VMOVDQU(hi, d.half(1, g, i))
		d.VPANDN(v, product, v)
	}
	mask = d.GP32()
	d.VPACKSSWB(refill[1], refill[0], refill[0])
	d.VPMOVMSKB(refill[0], mask)
	return mask, lo
}

// refill adds words to the low halves of the states of half g.
func (d *byteDecoder) refill(g int, mask reg.GPVirtual, lo [2]vec) {
	for i, v := range lo {
		fresh, order := d.YMM(), d.YMM()
		low, high := d.refillOf(mask, 8*i), d.refillOf(mask, 16+8*i)
		d.VBROADCASTI128(operand.Mem{Base: d.next}, fresh)
		d.VBROADCASTI128(d.expand(low), order)
		d.ADDQ(d.taken(low), d.next)
		d.VINSERTI128(operand.Imm(1), operand.Mem{Base: d.next}, fresh, fresh)
		d.VINSERTI128(operand.Imm(1), d.expand(high), order, order)
		d.ADDQ(d.taken(high), d.next)
		d.VPSHUFB(order, fresh, fresh)
		d.VPOR(fresh, v, v)
		d.VMOVDQU(v, d.half(0, g, i))
	}
}

// symbols returns the symbols of places, where words have them.
func (d *byteDecoder) symbols(place both) (words [states.Vectors][2]vec) {
	var t states.ByteTables
	upper := d.upper(place)
	symbol := d.look(unsafe.Offsetof(t.Symbol), place, upper)
	if d.form == rans.Joint {
		low := d.look(unsafe.Offsetof(t.SymbolLow), place, upper)
		for g := range words {
			words[g] = d.words(low[g], symbol[g])
		}
		return words
	}
	zero := d.YMM()
	d.VPXOR(zero, zero, zero)
	for g := range words {
		words[g] = d.words(zero, symbol[g])
		for _, w := range words[g] {
			d.VPSRLW(operand.Imm(1), w, w)
		}
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
