package rans

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/internal/states"
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
	dst, c := e.block(w, dst, plane, weights)
	return dst, c, nil
}

// A work is the working memory for a block.
type work struct {
	job     states.EncodeJob
	states  [rans.States]uint32
	words   []byte   // filled from the end down
	left    int      // the bytes of words that are free
	patched []uint64 // for each step: see states.EncodeJob
	any     bool     // a word of patched is not 0
	block   []byte
}

var works = sync.Pool{New: func() any { return new(work) }}

const (
	stepBytes = 2 * rans.States // of weights, and the most of words
	least     = 1 << 16         // the smallest state
	placeBits = 23              // of a patch
)

// block is Block for arguments that have been checked.
func (e *Encoder) block(w *work, dst, plane, weights []byte) ([]byte, Coded) {
	steps := (len(weights) + stepBytes - 1) / stepBytes
	w.words, w.patched = grow(w.words, stepBytes*steps), grow(w.patched, steps)
	w.left, w.any = len(w.words), false
	for i := range w.states {
		w.states[i] = least
	}
	c := Coded{Sum: xxh3.Hash(weights)}
	whole := len(weights) / stepBytes
	if whole < steps {
		var step [stepBytes]byte
		e.step(w, whole, plane, &step, copy(step[:], weights[whole*stepBytes:])/2)
	}
	if !e.wholeSteps(w, whole, plane, weights) {
		for i := whole - 1; i >= 0; i-- {
			e.step(w, i, plane, (*[stepBytes]byte)(weights[i*stepBytes:]), rans.States)
		}
	}
	for _, x := range w.states {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(x))
	}
	for _, x := range w.states {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(x>>16))
	}
	if w.any {
		before := len(dst)
		dst = e.appendPatches(dst, w.patched, weights)
		c.Patches = (len(dst) - before) / 4
	}
	dst = append(dst, w.words[w.left:]...)
	c.Words = (len(w.words) - w.left) / 2
	if c.Words%2 != 0 {
		dst = append(dst, 0, 0)
	}
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
