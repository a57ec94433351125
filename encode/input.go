package encode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"

	"github.com/seed54244801/bespoke/codebook"
)

// blockElements is the number of weights in a block: what a worker packs at a time, small enough to stay
// in the cache with all that is made of it.
const blockElements = 8 << 10

// An input is the weights of a unit, in parts, seen as blocks.
type input struct {
	parts  [][]byte
	starts []int // the first weight of each part
	n      int   // all weights
}

func newInput(parts [][]byte) (*input, error) {
	in := &input{parts: parts, starts: make([]int, len(parts))}
	n := int64(0)
	for i, p := range parts {
		if len(p)%2 != 0 {
			return nil, fmt.Errorf("encode: part %d has %d bytes, want whole bfloat16 words", i, len(p))
		}
		in.starts[i] = int(n)
		n += int64(len(p) / 2)
	}
	if n > codebook.MaxElements {
		return nil, fmt.Errorf("encode: %d weights, a unit has at most %d", n, codebook.MaxElements)
	}
	in.n = int(n)
	return in, nil
}

// blocks returns the number of blocks.
func (in *input) blocks() int { return (in.n + blockElements - 1) / blockElements }

// block returns the weights of block i. Where tensors meet in it they are copied to scratch, which has
// room for a block.
func (in *input) block(i int, scratch []byte) []byte {
	first := i * blockElements
	size := 2 * min(blockElements, in.n-first)
	part := sort.Search(len(in.parts), func(p int) bool { return in.starts[p] > first }) - 1
	rest := in.parts[part][2*(first-in.starts[part]):]
	if len(rest) >= size {
		return rest[:size]
	}
	n := copy(scratch, rest)
	for n < size {
		part++
		n += copy(scratch[n:size], in.parts[part])
	}
	return scratch[:size]
}

// missing returns the error of the first weight that has no code. If there is none now, there was one when the
// weights were packed.
func (in *input) missing(b *codebook.Book) error {
	for i, p := range in.parts {
		for at := 0; at < len(p); at += 2 {
			if e := codebook.Exponent(binary.LittleEndian.Uint16(p[at:])); b.Code(e).Length == 0 {
				return fmt.Errorf("encode: weight %d has exponent %d, which has no code", in.starts[i]+at/2, e)
			}
		}
	}
	return errors.New("encode: the weights changed while they were read")
}
