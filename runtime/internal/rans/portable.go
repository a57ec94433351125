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
	dst    []uint16 // of the whole block
	states [rans.States]uint32
	steps  int  // that have been done; a step is a weight of each state
	used   int  // the number of words that these took
	ended  bool // they took more words than there are
}

// A portable is a table for decoding in Go. Since frequencies are multiples of 16 cells, 16 cells of a bucket are alike. An
// entry has the frequency in its lowest 16 bits, above it what is added to a cell, and above that the symbol, where a
// weight has it.
type portable struct {
	form    rans.Form
	entries [rans.Scale]uint64
}

// place is the number of the entry for the low half of a state.
func place(low uint32) uint32 { return low>>4&^31 | low&31 }

func newPortable(f rans.Form, a *rans.Alias) *portable {
	p := &portable{form: f}
	for low := range uint32(least) {
		symbol, rank := a.Look(uint16(low))
		offset := rank - uint16(low/rans.Buckets)
		p.entries[place(low)] = uint64(f.Join(a.Symbol[symbol], 0))<<32 | uint64(offset)<<16 | uint64(a.Frequency[symbol])
	}
	return p
}

// finish decodes the rest of a block, applies its patches, and checks how it ends.
func (t *portable) finish(p *progress) rans.Cause {
	if p.ended {
		return rans.WordsEnd
	}
	words := p.Words[2*p.used:]
	for ; p.steps*rans.States < p.Weights; p.steps++ {
		at := p.steps * rans.States
		var symbols [rans.States]uint16
		for i := range &p.states {
			x := p.states[i]
			e := t.entries[place(x&0xffff)]
			x = uint32(e&0xffff)*(x>>16) + uint32(uint16(x&0xffff/rans.Buckets)+uint16(e>>16))
			if x < least {
				if len(words) < 2 {
					return rans.WordsEnd
				}
				x = x<<16 | uint32(binary.LittleEndian.Uint16(words))
				words = words[2:]
			}
			p.states[i] = x
			symbols[i] = uint16(e >> 32)
		}
		t.merge(p, at, &symbols)
	}
	if len(words) > 0 {
		return rans.WordsLeft
	}
	for _, x := range p.states {
		if x != least {
			return rans.BadEnd
		}
	}
	return p.Finish(t.form, p.dst)
}

// merge writes the weights of a step.
func (t *portable) merge(p *progress, at int, symbols *[rans.States]uint16) {
	dst := p.dst[at:min(len(p.dst), at+rans.States)]
	if t.form == rans.Exponent && len(dst) == rans.States {
		plane := (*[rans.States]byte)(p.Plane[at:])
		for i := range rans.States / 2 {
			b := binary.LittleEndian.Uint16(plane[2*i:])
			dst[i] = symbols[i] | b&0x807f
			dst[i+rans.States/2] = symbols[i+rans.States/2] | bits.ReverseBytes16(b)&0x807f
		}
		return
	}
	for i := range dst {
		dst[i] = symbols[i] | t.form.Join(0, t.form.Rest(p.Plane, at+i))
	}
}
