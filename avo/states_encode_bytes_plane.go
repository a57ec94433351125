package avo

import (
	"math/bits"
	"unsafe"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// byteEncodeConstants are what the encoders of states for AVX2 share.
type byteEncodeConstants struct {
	halfBuckets operand.Mem // in bytes, half the number of buckets
	inRange     operand.Mem // in bytes: added to 0 to 15, it leaves the highest bit 0
	placeBits   operand.Mem // in bytes
	lowBytes    operand.Mem // of words
	highBytes   operand.Mem // in words: 1 in the high byte
	rankLow     operand.Mem // the part of a rank in its grain, times 32
	three       operand.Mem
	bits        [3]operand.Mem // of a label, twice in both bytes of words

	signMantissa operand.Mem // the bits of a word that a plane of exponents has
	swap         operand.Mem // the bytes of words exchanged
	// Of planes of joint symbols: the mantissa and the sign of a field; factors that shift the second field of a pair behind the
	// first; the first 28 bits of a quad word; the first 7 bytes of each quad word.
	mantissa, sign, pair, first, groups operand.Mem
	// For each mask of 8 lanes, a shuffle that moves the words of these lanes to the end. From takenAt on, for each mask, the size
	// of the words, as 8 bytes.
	compress operand.Mem
}

func newByteEncodeConstants(ctx *build.Context) (c byteEncodeConstants) {
	repeated := func(name string, unit ...byte) operand.Mem {
		return vector(ctx, name, 32, func(i int) byte { return unit[i%len(unit)] })
	}
	c.halfBuckets, c.inRange = repeated("halfBuckets", rans.Buckets/2), repeated("inRange", 0x70)
	c.placeBits = repeated("placeBits", rans.Buckets-1)
	c.lowBytes, c.highBytes = repeated("lowBytes", 0xff, 0), repeated("highBytes", 0, 1)
	const rankLow = (states.Grain - 1) * rans.Buckets
	c.rankLow, c.three = repeated("rankLow", rankLow&0xff, rankLow>>8), repeated("three", 3, 0)
	for i, name := range []string{"firstBit", "secondBit", "thirdBit"} {
		c.bits[i] = repeated(name, 2<<i)
	}
	c.signMantissa, c.swap = repeated("signMantissa", 0x7f, 0x80), vector(ctx, "swap", 32, func(i int) byte { return byte(i%16 ^ 1) })
	c.mantissa, c.sign, c.pair = repeated("jointMantissa", 0x3f, 0), repeated("jointSign", 0x40, 0), repeated("jointPair", 1, 0, 0x80, 0)
	c.first = repeated("jointFirst", 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0)
	c.groups = vector(ctx, "jointGroups", 32, func(i int) byte { return byte(i%16/7*8 + i%16%7) })
	c.compress = vector(ctx, "compress", 256*(16+8), func(i int) byte {
		if i >= takenAt {
			return byte(2 * bits.OnesCount8(uint8((i-takenAt)/8)) * (1 - min(i%8, 1)))
		}
		mask, skip := uint8(i/16), 7-i%16/2
		for lane := 7; lane >= 0; lane-- {
			if mask>>lane&1 != 0 {
				if skip == 0 {
					return byte(2*lane + i%2)
				}
				skip--
			}
		}
		return 0x80 // VPSHUFB then writes a zero
	})
	return c
}

// word is vector i of half g of the weights of the step.
func (d *byteEncoder) word(g, i int) operand.Mem {
	return operand.Mem{Base: d.weights, Disp: 2*states.VectorLanes*g + 32*i}
}

// exponentPlane stores the plane of a step.
func (d *byteEncoder) exponentPlane() {
	d.Comment("The plane.")
	mask := d.YMM()
	d.VMOVDQU(d.c.signMantissa, mask)
	for i := range 2 {
		own, other := d.YMM(), d.YMM()
		d.VPAND(d.word(0, i), mask, own)
		d.VMOVDQU(d.word(1, i), other)
		d.VPSHUFB(d.c.swap, other, other)
		d.VPANDN(other, mask, other)
		d.VPOR(other, own, own)
		d.VMOVDQU(own, operand.Mem{Base: d.plane, Disp: 32 * i})
	}
}

// jointPlane stores the plane of a step. Each quad word gets a group.
func (d *byteEncoder) jointPlane() {
	d.Comment("The plane.")
	for i := range 2 {
		var fields [states.Vectors]vec
		for g := range fields {
			f, sign := d.YMM(), d.YMM()
			d.VMOVDQU(d.word(g, i), f)
			d.VPSRLW(operand.Imm(9), f, sign)
			d.VPAND(d.c.sign, sign, sign)
			d.VPAND(d.c.mantissa, f, f)
			d.VPOR(sign, f, f)
			d.VPMADDWD(d.c.pair, f, f)
			d.VPSRLQ(operand.Imm(32-14), f, sign)
			d.VPOR(sign, f, f)
			fields[g] = f
		}
		d.VPAND(d.c.first, fields[0], fields[0])
		d.VPSLLQ(operand.Imm(28), fields[1], fields[1])
		d.VPOR(fields[1], fields[0], fields[0])
		d.VPSHUFB(d.c.groups, fields[0], fields[0])
		to := operand.Mem{Base: d.plane, Disp: 28 * i}
		upper := d.XMM()
		d.VEXTRACTI128(operand.Imm(1), fields[0], upper)
		d.VMOVDQU(fields[0].AsX(), to)
		if i == 0 {
			d.VMOVDQU(upper, to.Offset(14))
			continue
		}
		d.VMOVQ(upper, to.Offset(14))
		d.VPSRLDQ(operand.Imm(6), upper, upper)
		d.VMOVQ(upper, to.Offset(20))
	}
}

// look finds the places of the symbols of a step, and notes which symbols the table lacks.
func (d *byteEncoder) look() {
	var t states.EncodeByteTables
	var r states.PlaceRange
	d.Comment("The places of the symbols, from all ranges of exponents of the table.")
	var exponents [states.Vectors]vec
	for g := range exponents {
		words := d.each(func(i int, v vec) {
			d.VMOVDQU(d.word(g, i), v)
			d.VPADDW(v, v, v)
			d.VPSRLW(operand.Imm(8), v, v)
		})
		exponents[g] = d.YMM()
		d.VPACKUSWB(words[1], words[0], exponents[g])
	}
	var places [states.Vectors][1 + rans.Joint]vec // of both symbols of an exponent
	kinds := int(1 + d.form)
	for g := range places {
		for k := range kinds {
			places[g][k] = d.YMM()
			d.VPXOR(places[g][k], places[g][k], places[g][k])
		}
	}
	at := d.GP64()
	d.LEAQ(d.table(unsafe.Offsetof(t.Ranges)), at)
	d.Label("range")
	var tables [1 + rans.Joint]vec
	for k := range kinds {
		tables[k] = d.YMM()
		d.VBROADCASTI128(operand.Mem{Base: at, Disp: int(unsafe.Offsetof(r.Places)) + 16*k}, tables[k])
	}
	first := d.YMM()
	d.VBROADCASTI128(operand.Mem{Base: at}, first)
	for g, e := range exponents {
		index := d.YMM()
		d.VPSUBB(first, e, index)
		d.VPADDUSB(d.c.inRange, index, index)
		for k := range kinds {
			more := d.YMM()
			d.VPSHUFB(index, tables[k], more)
			d.VPOR(more, places[g][k], places[g][k])
		}
	}
	d.ADDQ(operand.Imm(uint64(unsafe.Sizeof(r))), at)
	d.CMPQ(at, d.ranges)
	d.JNE(operand.LabelRef("range"))
	if d.form == rans.Joint {
		for g := range places {
			words := d.each(func(i int, v vec) {
				d.VMOVDQU(d.word(g, i), v)
				d.VPADDW(v, v, v)
				d.VPAND(d.c.lowBytes, v, v)
			})
			d.VPACKUSWB(words[1], words[0], words[0])
			d.VPBLENDVB(words[0], places[g][1], places[g][0], places[g][0])
		}
	}
	d.notePatched(places[0][0], places[1][0])
	for g := range places {
		d.VPAND(d.c.placeBits, places[g][0], places[g][0])
		d.VMOVDQU(places[g][0], d.places.Offset(states.VectorLanes*g))
	}
}

// notePatched notes which of the places of both halves lack states.NoPlace: these symbols are not in the table.
func (d *byteEncoder) notePatched(first, second vec) {
	patched := d.GP64()
	for i, v := range d.unpacked(first, second) {
		m := d.GP32()
		d.VPMOVMSKB(v, m)
		if i == 0 {
			d.MOVL(m, patched.As32())
		} else {
			d.SHLQ(operand.Imm(32), m.As64())
			d.ORQ(m.As64(), patched)
		}
	}
	d.NOTQ(patched)
	d.MOVQ(patched, operand.Mem{Base: d.patched, Index: d.steps, Scale: 8, Disp: -8})
	d.ORQ(patched, d.missing)
}
