package avo

import (
	"unsafe"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

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
