package rans

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed54244801/bespoke/rans"
)

// least is the smallest state.
const least = 1 << 16

// A progress is how far a block has been decoded.
type progress struct {
	rans.Block
	dst    []uint16 // of the whole block, nil for one that is multiplied
	states [rans.States]uint32
	steps  int  // that have been done; a step is a weight of each state
	used   int  // the number of words that these took
	ended  bool // they took more words than there are
}

// A portable is a table for decoding in Go. Since frequencies are multiples of 16 cells, 16 cells of a bucket are alike. An
// entry has the frequency in its lowest 16 bits, above it the symbol, where a weight has it, and above that, with 32 bits,
// what has to be added to a cell.
type portable struct {
	form    rans.Form
	entries [rans.Scale]uint64
}

// place is the number of the entry for the low half of a state.
func place(low uint32) uint32 { return low>>4&^31&(rans.Scale-1) | low&31 }

func newPortable(f rans.Form, a *rans.Alias) *portable {
	p := &portable{form: f}
	for low := range uint32(least) {
		symbol, rank := a.Look(uint16(low))
		offset := uint32(rank) - low/rans.Buckets
		p.entries[place(low)] = uint64(offset)<<32 | uint64(f.Join(a.Symbol[symbol], 0))<<16 | uint64(a.Frequency[symbol])
	}
	return p
}

// next decodes a symbol. The state that it returns is less than the smallest one if it needs a word.
func (t *portable) next(state uint32) (symbol uint16, _ uint32) {
	e := t.entries[place(state)]
	return uint16(e >> 16), uint32(uint16(e))*(state>>16) + state>>5&(least/rans.Buckets-1) + uint32(e>>32)
}

// rest decodes what is left of a block. It returns the words that are left over, and reports whether there were enough.
func (t *portable) rest(p *progress, words []byte) (_ []byte, ok bool) {
	for ok = true; ok && p.steps*rans.States < p.Weights; p.steps++ {
		var symbols [rans.States]uint16
		if len(words) > 2*rans.States {
			words = words[t.step(&p.states, words, &symbols):]
		} else {
			words, ok = t.lastStep(&p.states, words, &symbols)
		}
		t.merge(p, p.steps*rans.States, &symbols)
	}
	return words, ok
}

// step decodes a symbol from each state, and returns the size of the words that it takes. There are more than one for each
// state. It has no branches that depend on them.
func (t *portable) step(states *[rans.States]uint32, words []byte, symbols *[rans.States]uint16) (taken uint) {
	for i := range states {
		symbol, x := t.next(states[i])
		refill := uint32((uint64(x) - least) >> 63) // 1 or 0
		word := uint32(binary.LittleEndian.Uint16(words[taken:]))
		states[i] = x<<(refill*16&31) | word&-refill
		symbols[i] = symbol
		taken += uint(2 * refill)
	}
	return taken
}

// lastStep is step where there may be too few words. It returns the words behind those that it takes, and reports whether
// there were enough.
func (t *portable) lastStep(states *[rans.States]uint32, words []byte, symbols *[rans.States]uint16) (_ []byte, ok bool) {
	for i := range states {
		symbol, x := t.next(states[i])
		if x < least {
			if len(words) < 2 {
				return nil, false
			}
			x = x<<16 | uint32(binary.LittleEndian.Uint16(words))
			words = words[2:]
		}
		states[i], symbols[i] = x, symbol
	}
	return words, true
}

// merge writes the weights of a step.
func (t *portable) merge(p *progress, at int, symbols *[rans.States]uint16) {
	const half = rans.States / 2
	if len(p.dst) < at+rans.States {
		for i := range p.dst[at:] {
			p.dst[at+i] = symbols[i] | t.form.Join(0, t.form.Rest(p.Plane, at+i))
		}
		return
	}
	dst := (*[rans.States]uint16)(p.dst[at:])
	if t.form == rans.Exponent {
		plane := (*[rans.States]byte)(p.Plane[at:])
		for i := range half {
			b := binary.LittleEndian.Uint16(plane[2*i:])
			dst[i] = symbols[i] | b&0x807f
			dst[i+half] = symbols[i+half] | bits.ReverseBytes16(b)&0x807f
		}
		return
	}
	plane := (*[7 * rans.States / 8]byte)(p.Plane[at/8*7:])
	for g := range half / 4 {
		// Eight bytes that have the seven of the group: the last group has none behind it.
		var fields uint64
		if g < half/4-1 {
			fields = binary.LittleEndian.Uint64(plane[7*g:])
		} else {
			fields = binary.LittleEndian.Uint64(plane[len(plane)-8:]) >> 8
		}
		for i := range 4 {
			low, high := uint16(fields>>(7*i)), uint16(fields>>(7*i+28))
			dst[4*g+i] = symbols[4*g+i] | low&0x40<<9 | low&0x3f
			dst[4*g+i+half] = symbols[4*g+i+half] | high&0x40<<9 | high&0x3f
		}
	}
}
