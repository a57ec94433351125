package avo

import (
	"math/bits"
	"unsafe"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// byteConstants are what all byte decoders in a file share.
type byteConstants struct {
	buckets     operand.Mem    // the bits of a low half that name the bucket
	halfBuckets operand.Mem    // in bytes, half the number of buckets
	one         operand.Mem    // in words
	swap        operand.Mem    // the bytes of words exchanged
	others      [2]operand.Mem // for each form: the bits of a word that do not come from the symbol
	// Groups of a joint plane: the two bytes of each of the first and the last four fields; and the factors that move the
	// fields to the highest bits of words.
	fields, shifts [2]operand.Mem
	// For each mask of 8 lanes, a shuffle that gives them the next words, and zeros to the other lanes. From takenAt on, for
	// each mask, the size of the words, as 8 bytes.
	expand operand.Mem
}

// takenAt is where the sizes begin behind the shuffles.
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
