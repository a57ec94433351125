package avo

import (
	"unsafe"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

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
