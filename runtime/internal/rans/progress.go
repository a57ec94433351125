package rans

import (
	"encoding/binary"
	"unsafe"

	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// least is the smallest state.
const least = 1 << 16

// halves are the states of a block: their low halves, and their high halves.
type halves [2][rans.States]uint16

// ended are the states that a block has to end with.
var ended = func() (h halves) {
	for i := range h[1] {
		h[1][i] = least >> 16
	}
	return h
}()

// A progress is how far a block has been decoded.
type progress struct {
	rans.Block
	of     *Stream
	number int      // of the block in its stream
	dst    []uint16 // of the whole block, nil if its weights are not wanted
	states halves
	steps  int  // that have been done; a step is a weight of each state
	used   int  // the number of words that these took
	over   bool // they took more words than there are
}

// start returns a block that is to be decoded to dst, and reports whether its states are large enough.
func (s *Stream) start(block int, dst []uint16) (p progress, ok bool) {
	p = progress{Block: s.Block(s.layout, block), of: s, number: block, dst: dst}
	if coded.HostIsLittleEndian {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&p.states)), unsafe.Sizeof(p.states)), p.States)
	} else {
		for half := range p.states {
			for i := range p.states[half] {
				p.states[half][i] = binary.LittleEndian.Uint16(p.States[2*(half*rans.States+i):])
			}
		}
	}
	for _, high := range p.states[1] {
		if high == 0 {
			return p, false
		}
	}
	return p, true
}

// state returns state i.
func (p *progress) state(i int) uint32 { return uint32(p.states[1][i])<<16 | uint32(p.states[0][i]) }

// left returns the number of whole steps of a block that are left.
func (p *progress) left() int {
	if p.over {
		return 0
	}
	return p.Weights/rans.States - p.steps
}

// finish decodes the rest of a block, applies its patches, and checks how it ends.
func (p *progress) finish() rans.Cause {
	if p.over || p.steps*rans.States < p.Weights && !p.of.portable().goOn(p, p.Weights) {
		return rans.WordsEnd
	}
	switch {
	case 2*p.used < len(p.Words):
		return rans.WordsLeft
	case p.states != ended:
		return rans.BadEnd
	case p.dst == nil:
		return p.Check(p.of.Form)
	}
	return p.Finish(p.of.Form, p.dst)
}

// decodeBlocks decodes blocks of one form and one family. It returns the number of the first one that cannot be decoded, among
// all, and what is wrong with it, or 0.
func decodeBlocks(all []progress, through bool) (bad int, cause rans.Cause) {
	if len(all) > 0 {
		all[0].of.sideBySide(all, through)
	}
	for i := range all {
		if cause := all[i].finish(); cause != 0 {
			return i, cause
		}
	}
	return len(all), 0
}
