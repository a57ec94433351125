package rans

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// A portable is a table for coding in Go.
type portable struct {
	symbols [512]coded
	// low has, for the first rank of each unit of each symbol, the low half of the state. Ranks are 32 apart in it.
	low [rans.Scale]uint16
}

// A coded is how a symbol is coded. All ranks and frequencies are multiples of a unit (states.RankUnit).
type coded struct {
	reciprocal uint64 // 2^40 over the units, rounded up
	units      uint16 // the frequency
	first      uint16 // where its units start in low
	missing    uint8  // 1 if the table lacks it
}

const unitBits = 4 // of states.RankUnit

// reciprocalBits are enough for any state below 2^16 times the frequency: the error of the reciprocal, less than 1, times
// 2^12 times 2^28, is less than 2^40.
const reciprocalBits = 40

func newPortable(f rans.Form, t *rans.Table, a *rans.Alias, tables *states.EncodeTables) *portable {
	p := new(portable)
	var places [rans.Buckets]coded
	first := uint16(0)
	for i, n := range t.Frequencies {
		places[i] = coded{reciprocal: (1<<reciprocalBits-1)/uint64(n) + 1, units: n, first: first}
		first += n
	}
	for i := range p.symbols {
		p.symbols[i] = places[0]
		p.symbols[i].missing = 1
	}
	for i, s := range t.Symbols {
		p.symbols[s] = places[i]
	}
	for low := 0; low < 1<<16; low++ {
		if place, rank := a.Look(uint16(low)); rank%states.RankUnit == 0 {
			p.low[places[place].first+rank/states.RankUnit] = uint16(low)
		}
	}
	return p
}

// step codes the first n weights of a step, and pads it with the first symbol of the table, if n is less than 64. Then the
// other weights are 0.
func (e *Encoder) step(w *work, step int, plane []byte, weights *[stepBytes]byte, n int) {
	p, left, missing := e.portable, w.left, uint64(0)
	shift, mask := 7-e.form, uint16(e.form.Symbols()-1)
	padding := &p.symbols[binary.LittleEndian.Uint16(e.table)]
	for i := rans.States - 1; i >= 0; i-- {
		c := padding
		if i < n {
			c = &p.symbols[binary.LittleEndian.Uint16(weights[2*i:])>>shift&mask]
		}
		x := w.states[i]
		// The word is written in any case, and counted if the state would be too large without.
		full := uint32(int32(uint32(c.units)-1)-int32(x>>(16+unitBits))) >> 31
		binary.LittleEndian.PutUint16(w.words[left-2:], uint16(x))
		left -= int(2 * full)
		x >>= 16 * full
		quotient := uint32(uint64(x>>unitBits) * c.reciprocal >> reciprocalBits)
		unit := x>>unitBits - quotient*uint32(c.units)
		low := uint32(p.low[uint32(c.first)+unit]) + x%states.RankUnit*rans.Buckets
		w.states[i] = quotient<<16 | low
		missing |= uint64(c.missing) << (i%32*2 + i/32)
	}
	w.left, w.patched[step], w.any = left, missing, w.any || missing != 0
	if e.form == rans.Exponent {
		exponentPlane((*[64]byte)(plane[64*step:]), weights)
	} else {
		jointPlane((*[56]byte)(plane[56*step:]), weights)
	}
}

// exponentPlane writes the plane of a step of the form rans.Exponent.
func exponentPlane(plane *[64]byte, weights *[stepBytes]byte) {
	const low, high = 0x00ff00ff00ff00ff, 0x807f807f807f807f
	for i := 0; i < 64; i += 8 {
		first, second := binary.LittleEndian.Uint64(weights[i:]), binary.LittleEndian.Uint64(weights[64+i:])
		second = second&low<<8 | second>>8&low
		binary.LittleEndian.PutUint64(plane[i:], first&high|second&^high)
	}
}

// jointPlane writes the plane of a step of the form rans.Joint.
func jointPlane(plane *[56]byte, weights *[stepBytes]byte) {
	for g := range 8 {
		first, second := binary.LittleEndian.Uint64(weights[8*g:]), binary.LittleEndian.Uint64(weights[64+8*g:])
		group := fields(first) | fields(second)<<28
		if g == 7 { // there are only 7 bytes left
			binary.LittleEndian.PutUint64(plane[48:], group<<8|uint64(plane[48]))
			break
		}
		binary.LittleEndian.PutUint64(plane[7*g:], group)
	}
}

// fields returns 4 fields of 7 bits, the bits of 4 weights that are not coded.
func fields(w uint64) uint64 {
	w = w&0x003f003f003f003f | w>>9&0x0040004000400040
	w = (w | w>>9) & 0x00003fff00003fff
	return (w | w>>18) & (1<<28 - 1)
}
