package rans

import (
	"fmt"
	"slices"
	"strings"
)

// A Form says which bits of a weight are its symbol.
type Form uint8

// The forms. What a plane has for weights behind the last one of a block is zero.
const (
	// Exponent: the symbol is the exponent. The plane has 64 bytes for 64 weights. Bytes 2i and 2i+1 have the mantissas of
	// weights i and i+32 in their low 7 bits, and above them the sign of the other one of the two: so a vector of
	// 16-bit words has both where words need them, as it is and with its bytes exchanged.
	Exponent Form = iota
	// Joint: the symbol is the exponent, shifted left by one, and the highest bit of the mantissa. The plane has 56 bytes
	// for 64 weights, 8 groups of 7 bytes. Group g, a number of 56 bits, has eight fields of 7 bits for the weights 4g to
	// 4g+3 and 32+4g to 32+4g+3, the first in the lowest bits: six bits of mantissa, and the sign above them.
	Joint
)

// forms are the names of the forms.
var forms = []string{Exponent: "exponent", Joint: "joint"}

// FormNames returns the names of the forms, the default first.
func FormNames() []string { return slices.Clone(forms) }

// FormByName returns the form with that name.
func FormByName(name string) (Form, error) {
	if i := slices.Index(forms, name); i >= 0 {
		return Form(i), nil
	}
	return 0, fmt.Errorf("rans: no form %q, want one of %s", name, strings.Join(forms, ", "))
}

// String returns the name of the form.
func (f Form) String() string {
	if int(f) < len(forms) {
		return forms[f]
	}
	return fmt.Sprintf("Form(%d)", uint8(f))
}

// Symbols returns the number of symbols, 256 or 512.
func (f Form) Symbols() int { return 256 << f }

// Symbol returns the symbol of a bfloat16 word.
func (f Form) Symbol(word uint16) uint16 {
	return word >> (7 - f) & uint16(f.Symbols()-1)
}

// others returns the bits of a word that are not coded: the mantissa without what is coded, and the sign above it.
func (f Form) others(word uint16) byte {
	bits := 7 - f
	return byte(word>>15<<bits | word&(1<<bits-1))
}

// Join puts a word together again, from its symbol and the bits that are not coded.
func (f Form) Join(symbol uint16, rest byte) uint16 {
	bits := 7 - f
	return uint16(rest)>>bits<<15 | symbol<<bits | uint16(rest)&(1<<bits-1)
}

// PlaneBytes returns the size of the plane of a block of n weights: that of as many steps as they take.
func (f Form) PlaneBytes(n int) int {
	return (n + States - 1) / States * States / 8 * (8 - int(f))
}

// pair returns the bytes of a plane of exponents that have the mantissa and the sign of weight i.
func pair(i int) (mantissa, sign int) {
	mantissa = i/States*States + i%32*2 + i%States/32
	return mantissa, mantissa ^ 1
}

// field returns the byte of a joint plane at which the field of weight i starts, and the bit in it.
func field(i int) (at int, bit uint) {
	within := i % 32
	bit = 7 * uint(i%64/32*4+within%4)
	return i/64*56 + within/4*7 + int(bit/8), bit % 8
}

// put stores the bits of weight i of a block in its plane, which holds zeros there.
func (f Form) put(plane []byte, i int, rest byte) {
	if f == Exponent {
		mantissa, sign := pair(i)
		plane[mantissa] |= rest & 0x7f
		plane[sign] |= rest & 0x80
		return
	}
	at, bit := field(i)
	plane[at] |= rest << bit
	if bit > 1 {
		plane[at+1] |= rest >> (8 - bit)
	}
}

// Rest returns the bits of weight i of a block that its plane has.
func (f Form) Rest(plane []byte, i int) byte {
	if f == Exponent {
		mantissa, sign := pair(i)
		return plane[mantissa]&0x7f | plane[sign]&0x80
	}
	at, bit := field(i)
	rest := plane[at] >> bit
	if bit > 1 {
		rest |= plane[at+1] << (8 - bit)
	}
	return rest & 127
}
