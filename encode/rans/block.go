package rans

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/rans"
)

// Coded is what the index of a stream says of a block.
type Coded struct {
	Words, Patches int
	Sum            uint64 // XXH3 of the weights
}

// Block codes one block. It appends states, patches and words to dst, as they lie in a stream, and returns the longer slice.
// It writes the plane, which has the size of [rans.Form.PlaneBytes]. Blocks have 1 to rans.MaxBlock weights.
func (e *Encoder) Block(dst, plane, weights []byte) ([]byte, Coded, error) {
	n := len(weights) / 2
	if len(weights)%2 != 0 || n < 1 || n > rans.MaxBlock {
		return dst, Coded{}, fmt.Errorf("encode: rans: block of %d bytes, want 1 to %d bfloat16 words", len(weights), rans.MaxBlock)
	}
	if len(plane) != e.form.PlaneBytes(n) {
		return dst, Coded{}, fmt.Errorf("encode: rans: plane of %d bytes for %d weights, want %d", len(plane), n, e.form.PlaneBytes(n))
	}
	w := works.Get().(*work)
	defer works.Put(w)
	e.begin(w, plane, weights)
	e.wholeSteps(w)
	dst, c := e.end(w, dst)
	return dst, c, nil
}

// A work is the working memory for a block, and how far it has been coded.
type work struct {
	weights, plane []byte
	steps          int // that are left; all of them are whole
	states         [rans.States]uint32
	words          []byte   // filled from the end down
	left           int      // the bytes of words that are free
	patched        []uint64 // for each step: see states.EncodeJob
	any            bool     // a word of patched is not 0
}

var works = sync.Pool{New: func() any { return new(work) }}

const (
	stepBytes = 2 * rans.States // of weights, and the most of words
	least     = 1 << 16         // the smallest state
	placeBits = 23              // of a patch
)

// begin begins a block, and codes its last step if that is not whole.
func (e *Encoder) begin(w *work, plane, weights []byte) {
	steps := (len(weights) + stepBytes - 1) / stepBytes
	w.weights, w.plane, w.steps = weights, plane, len(weights)/stepBytes
	w.words, w.patched = grow(w.words, stepBytes*steps), grow(w.patched, steps)
	w.left, w.any = len(w.words), false
	for i := range w.states {
		w.states[i] = least
	}
	if w.steps < steps {
		var step [stepBytes]byte
		e.step(w, w.steps, &step, copy(step[:], weights[w.steps*stepBytes:])/2)
	}
}

// wholeSteps codes the steps that are left of one block, or of two, with the assembly as far as there is any.
func (e *Encoder) wholeSteps(all ...*work) {
	e.assembly(all)
	for _, w := range all {
		for ; w.steps > 0; w.steps-- {
			e.step(w, w.steps-1, (*[stepBytes]byte)(w.weights[(w.steps-1)*stepBytes:]), rans.States)
		}
	}
}

// end appends a block whose steps are all coded to dst.
func (e *Encoder) end(w *work, dst []byte) ([]byte, Coded) {
	c := Coded{Words: (len(w.words) - w.left) / 2, Sum: xxh3.Hash(w.weights)}
	for _, x := range w.states {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(x))
	}
	for _, x := range w.states {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(x>>16))
	}
	if w.any {
		before := len(dst)
		dst = e.appendPatches(dst, w.patched, w.weights)
		c.Patches = (len(dst) - before) / 4
	}
	dst = append(dst, w.words[w.left:]...)
	if c.Words%2 != 0 {
		dst = append(dst, 0, 0)
	}
	w.weights, w.plane = nil, nil
	return dst, c
}

// appendPatches appends the patches of a block.
func (e *Encoder) appendPatches(dst []byte, patched []uint64, weights []byte) []byte {
	for step, missing := range patched {
		for half := range 2 {
			for m := missing >> half & 0x5555555555555555; m != 0; m &= m - 1 {
				at := step*rans.States + half*rans.States/2 + bits.TrailingZeros64(m)/2
				symbol := e.form.Symbol(binary.LittleEndian.Uint16(weights[2*at:]))
				dst = binary.LittleEndian.AppendUint32(dst, uint32(symbol)<<placeBits|uint32(at))
			}
		}
	}
	return dst
}
