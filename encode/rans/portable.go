package rans

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// A portable is a table for coding in Go.
type portable struct {
	places [512]uint8 // of each symbol, or states.NoPlace
	coded  [rans.Buckets]coded
	// low has, for the first rank of each grain of each symbol, the low half of the state. Ranks are 32 apart in it.
	low [rans.Scale]uint16
}

// A coded is how the symbol at a place is coded. All ranks and frequencies are multiples of a grain (states.Grain).
type coded struct {
	reciprocal uint64 // 2^40 over the grains, rounded up
	grains     uint32 // the frequency
	first      uint32 // where its grains start in low
}

const grainBits = 4 // of states.Grain

// reciprocalBits are enough for any state below 2^16 times the frequency: the error of the reciprocal, less than 1, times
// 2^12 times 2^28, is less than 2^40.
const reciprocalBits = 40

func newPortable(t *rans.Table, a *rans.Alias) *portable {
	p := new(portable)
	for i := range p.places {
		p.places[i] = states.NoPlace
	}
	first := uint32(0)
	for i, s := range t.Symbols {
		grains := uint32(t.Frequencies[i])
		p.places[s] = uint8(i)
		p.coded[i] = coded{(1<<reciprocalBits-1)/uint64(grains) + 1, grains, first}
		first += grains
	}
	for low := 0; low < 1<<16; low++ {
		if place, rank := a.Look(uint16(low)); rank%states.Grain == 0 {
			p.low[p.coded[place].first+uint32(rank/states.Grain)] = uint16(low)
		}
	}
	return p
}

// step codes the first n weights of a step, and pads it with the first symbol of the table, if n is less than 64. Then the
// other weights are 0.
func (e *Encoder) step(w *work, step int, weights *[stepBytes]byte, n int) {
	var places [rans.States]uint8
	shift, missing := uint(7-e.form)&15, uint64(0)
	mask := uint16(e.form.Symbols()-1) % uint16(len(e.portable.places)) // the modulo shows the compiler the range
	for i := range n {
		place := e.portable.places[binary.LittleEndian.Uint16(weights[2*i:])>>shift&mask]
		if places[i] = place; place == states.NoPlace {
			missing |= 1 << (i%32*2 + i/32)
		}
	}
	w.patched[step], w.any = missing, w.any || missing != 0
	var words [rans.States]uint16
	first := e.portable.code(&w.states, &places, &words)
	for i := len(words) - 1; i >= first; i-- {
		w.left -= 2
		binary.LittleEndian.PutUint16(w.words[w.left:], words[i])
	}
	if e.form == rans.Exponent {
		exponentPlane((*[64]byte)(w.plane[64*step:]), weights)
	} else {
		jointPlane((*[56]byte)(w.plane[56*step:]), weights)
	}
}

// code codes the symbols at the places that the low bits of places say. It fills words from the end down, and returns where
// they start.
func (p *portable) code(x *[rans.States]uint32, places *[rans.States]uint8, words *[rans.States]uint16) (first int) {
	left := uint(len(words))
	for i := len(x) - 1; i >= 0; i-- {
		c, state := &p.coded[places[i]%rans.Buckets], x[i]
		// The word is written in any case, and counted if the state would be too large without.
		words[(left-1)%uint(len(words))] = uint16(state)
		full := (c.grains - 1 - state>>(16+grainBits)) >> 31
		left -= uint(full)
		state >>= 16 * full & 31
		quotient := uint32(uint64(state>>grainBits) * c.reciprocal >> reciprocalBits)
		grain := state>>grainBits - quotient*c.grains
		x[i] = quotient<<16 | uint32(p.low[(c.first+grain)%rans.Scale]) + state%states.Grain*rans.Buckets
	}
	return int(left)
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
