package rans

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed54244801/bespoke/rans"
)

// A portable is a table for decoding in Go. Since frequencies are multiples of 16 cells, 16 cells of a bucket are alike. An
// entry has the symbol in its lowest 16 bits, where a weight has it, above it, with 32 bits, what has to be added to a cell,
// and above that the frequency.
type portable struct {
	form    rans.Form
	entries [rans.Scale]uint64
}

// alike is the number of cells of a bucket that are alike.
const alike = least / rans.Scale

// place is the number of the entry for the low half of a state: from the lowest bits on, those of the cells that are not
// alike, and the bucket.
func place(low uint16) uint16 { return bits.RotateLeft16(low, 7) % rans.Scale }

func newPortable(f rans.Form, a *rans.Alias) *portable {
	p := &portable{form: f}
	for i := range uint32(rans.Scale) {
		low := i/rans.Buckets*alike*rans.Buckets + i%rans.Buckets // of the first of the cells
		symbol, rank := a.Look(uint16(low))
		offset := uint32(rank) - low/rans.Buckets
		p.entries[place(uint16(low))] = uint64(a.Frequency[symbol])<<48 | uint64(offset)<<16 | uint64(f.Join(a.Symbol[symbol], 0))
	}
	return p
}

// next decodes a symbol. The state that it returns is less than the smallest one if it needs a word.
func next(entries *[rans.Scale]uint64, state uint32) (symbol uint16, _ uint32) {
	e := entries[place(uint16(state))]
	return uint16(e), uint32(e>>48)*(state>>16) + state>>5&(least/rans.Buckets-1) + uint32(e>>16)
}

// goOn decodes a block up to a step, or to its end. It reports whether there were enough words.
func (t *portable) goOn(p *progress, end int) (ok bool) {
	var states [rans.States]uint32
	for i := range states {
		states[i] = p.state(i)
	}
	words := p.Words[2*p.used:]
	for ok = true; ok && p.steps < end && p.steps*rans.States < p.Weights; p.steps++ {
		var symbols [rans.States]uint16
		if len(words) >= stepWords {
			words = words[t.step(&states, words, &symbols):]
		} else {
			words, ok = t.lastStep(&states, words, &symbols)
		}
		if p.dst != nil {
			t.merge(p, p.steps*rans.States, &symbols)
		}
	}
	for i, x := range states {
		p.states[0][i], p.states[1][i] = uint16(x), uint16(x>>16)
	}
	p.used = (len(p.Words) - len(words)) / 2
	return ok
}

// stepWords is the size of the words that have to be there for step: a power of two, and more than a word for each state.
const stepWords = 4 * rans.States

// step decodes a symbol from each state, and returns the size of the words that it takes. It has no branches that depend on them.
func (t *portable) step(states *[rans.States]uint32, words []byte, symbols *[rans.States]uint16) (taken uint) {
	part := (*[stepWords]byte)(words)
	entries := &t.entries
	for i, state := range states {
		symbol, x := next(entries, state)
		symbols[i] = symbol
		refill := uint32(int64(uint64(x)-least) >> 63) // all bits or none
		at := taken % stepWords &^ 1                   // changes nothing, but saves checks
		word := uint32(part[at]) | uint32(part[at+1])<<8
		states[i] = x + (x<<16-x+word)&refill
		taken += uint(refill & 2)
	}
	return taken
}

// lastStep is step where there may be too few words. It returns the words behind those that it takes, and reports whether
// there were enough.
func (t *portable) lastStep(states *[rans.States]uint32, words []byte, symbols *[rans.States]uint16) (_ []byte, ok bool) {
	for i := range states {
		symbol, x := next(&t.entries, states[i])
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
		const others, low = 0x807f807f807f807f, 0x00ff00ff00ff00ff
		plane := (*[rans.States]byte)(p.Plane[at:])
		for i := 0; i < half; i += 4 {
			b := binary.LittleEndian.Uint64(plane[2*i:])
			putFour(dst, i, four(symbols, i)|b&others)
			putFour(dst, i+half, four(symbols, i+half)|(b>>8&low|b&low<<8)&others)
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
		putFour(dst, 4*g, four(symbols, 4*g)|spread(fields))
		putFour(dst, 4*g+half, four(symbols, 4*g+half)|spread(fields>>28))
	}
}

// spread makes four words of the four fields in the lowest 28 bits of a group of a joint plane.
func spread(fields uint64) uint64 {
	const field, mantissas, signs = 0x7f, 0x003f003f003f003f, 0x0040004000400040
	words := fields&field | fields<<9&(field<<16) | fields<<18&(field<<32) | fields<<27&(field<<48)
	return words&mantissas | words&signs<<9
}

// four loads four words from i on.
func four(words *[rans.States]uint16, i int) uint64 {
	w := words[i : i+4 : i+4]
	return uint64(w[0]) | uint64(w[1])<<16 | uint64(w[2])<<32 | uint64(w[3])<<48
}

// putFour stores four words from i on.
func putFour(words *[rans.States]uint16, i int, v uint64) {
	w := words[i : i+4 : i+4]
	w[0], w[1], w[2], w[3] = uint16(v), uint16(v>>16), uint16(v>>32), uint16(v>>48)
}
