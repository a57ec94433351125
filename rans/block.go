package rans

import (
	"encoding/binary"
	"fmt"
	"sort"
)

const (
	// States is the number of states of a rANS block.
	States = 64
	// MaxBlock is the largest number of weights of a block.
	MaxBlock = 1 << placeBits
)

// placeBits is the size of the place in a patch, stateBytes that of the states of a block, least the smallest state.
const placeBits, stateBytes, least = 23, 4 * States, 1 << 16

// A Cause says what is wrong with a block.
type Cause int

// The causes, in the order in which a decoder meets them.
const (
	BadState  Cause = iota + 1 // a state starts below 2^16
	WordsEnd                   // there are too few words
	WordsLeft                  // there are too many words
	BadEnd                     // a state does not end as 2^16
	BadPatch                   // a patch is outside the block, not behind the one before, or of no symbol of the form
	BadZeros                   // there is something in the place of zeros behind the last word or the last weight
	BadSum                     // the weights have another checksum
)

// String describes the cause.
func (c Cause) String() string {
	switch c {
	case BadState:
		return "a state is too small"
	case WordsEnd:
		return "the words end too early"
	case WordsLeft:
		return "words are left over"
	case BadEnd:
		return "a state does not end as it should"
	case BadPatch:
		return "a patch is out of place"
	case BadZeros:
		return "there are no zeros where the words or the weights end"
	case BadSum:
		return "the checksum is another"
	}
	return fmt.Sprintf("Cause(%d)", int(c))
}

// A BlockError reports why a block cannot be decoded. It is comparable with ==.
type BlockError struct {
	Block int // the block that could not be decoded
	Cause Cause
}

// Error names block and cause.
func (e *BlockError) Error() string { return fmt.Sprintf("block %d: %v", e.Block, e.Cause) }

// A Block is a block of a stream, of which nothing but the sizes has been checked.
type Block struct {
	Weights int
	States  []byte // stateBytes
	Patches []byte
	Words   []byte
	Zeros   []byte // behind the words
	Plane   []byte
}

// encodeBlock appends a block of weights to b, and returns the numbers of words and patches. The plane holds zeros.
func encodeBlock(b []byte, c *coder, weights []uint16, plane []byte) (_ []byte, words, patches int) {
	var states [States]uint32
	for i := range states {
		states[i] = least
	}
	var backwards []uint16 // words, the last one first
	steps := (len(weights) + States - 1) / States
	for i := steps*States - 1; i >= 0; i-- {
		place := 0
		if i < len(weights) {
			place = c.place(weights[i])
		}
		x := &states[i%States]
		if f := c.alias.Frequency[place]; *x>>16 >= uint32(f) {
			backwards = append(backwards, uint16(*x))
			*x >>= 16
		}
		*x = c.encode(*x, place)
	}
	for _, x := range states {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	for _, x := range states {
		b = binary.LittleEndian.AppendUint16(b, uint16(x>>16))
	}
	for i, w := range weights {
		c.form.put(plane, i, c.form.others(w))
		if symbol := c.form.Symbol(w); symbol != c.alias.Symbol[c.place(w)] {
			b = binary.LittleEndian.AppendUint32(b, uint32(symbol)<<placeBits|uint32(i))
			patches++
		}
	}
	for i := len(backwards) - 1; i >= 0; i-- {
		b = binary.LittleEndian.AppendUint16(b, backwards[i])
	}
	if len(backwards)%2 != 0 {
		b = append(b, 0, 0)
	}
	return b, len(backwards), patches
}

// A coder is a table as an encoder needs it.
type coder struct {
	form   Form
	alias  *Alias
	places [512]uint8        // of each symbol
	low    [Buckets][]uint16 // of each symbol: the low 16 bits that stand for each rank
}

func newCoder(f Form, t *Table) *coder {
	c := &coder{form: f, alias: t.Alias()}
	for i, s := range t.Symbols {
		c.places[s] = uint8(i)
	}
	for i, f := range c.alias.Frequency {
		c.low[i] = make([]uint16, f)
	}
	for low := range cells {
		place, rank := c.alias.Look(uint16(low))
		c.low[place][rank] = uint16(low)
	}
	return c
}

// place returns the place of the symbol that a weight is coded as.
func (c *coder) place(weight uint16) int { return int(c.places[c.form.Symbol(weight)]) }

// encode returns the state from which decoding a symbol leads to x.
func (c *coder) encode(x uint32, place int) uint32 {
	f := uint32(c.alias.Frequency[place])
	return x/f<<16 | uint32(c.low[place][x%f])
}

// Start returns the states that a block starts with, and reports whether all are large enough.
func (b *Block) Start() (states [States]uint32, ok bool) {
	ok = true
	for i := range states {
		low, high := binary.LittleEndian.Uint16(b.States[2*i:]), binary.LittleEndian.Uint16(b.States[2*States+2*i:])
		states[i] = uint32(high)<<16 | uint32(low)
		ok = ok && high != 0
	}
	return states, ok
}

// Decode writes the weights of a block to dst, which has room for as many. It returns 0, or what is wrong; then dst may
// hold anything.
func (b *Block) Decode(f Form, a *Alias, dst []uint16) Cause {
	states, ok := b.Start()
	if !ok {
		return BadState
	}
	words := b.Words
	steps := (b.Weights + States - 1) / States
	for i := range steps * States {
		place, left, ok := a.next(&states[i%States], words)
		if !ok {
			return WordsEnd
		}
		words = left
		if i < b.Weights {
			dst[i] = f.Join(a.Symbol[place], f.Rest(b.Plane, i))
		}
	}
	if cause := end(&states, words); cause != 0 {
		return cause
	}
	return b.Finish(f, dst)
}

// end returns 0, or what is wrong with how a block ends, given its states and the words that are left.
func end(states *[States]uint32, words []byte) Cause {
	if len(words) > 0 {
		return WordsLeft
	}
	for _, x := range states {
		if x != least {
			return BadEnd
		}
	}
	return 0
}

// Finish applies the patches of a block to its weights, and checks what decoding does not. It returns 0, BadPatch or
// BadZeros.
func (b *Block) Finish(f Form, dst []uint16) Cause {
	cause := b.Check(f)
	if cause == 0 {
		b.Patch(f, 0, dst)
	}
	return cause
}

// Check checks the patches of a block, and that zeros are where they have to be. It returns 0, BadPatch or BadZeros.
func (b *Block) Check(f Form) Cause {
	next := 0
	for i := range len(b.Patches) / 4 {
		at, symbol := b.patch(i)
		if at < next || at >= b.Weights || int(symbol) >= f.Symbols() {
			return BadPatch
		}
		next = at + 1
	}
	for _, z := range b.Zeros {
		if z != 0 {
			return BadZeros
		}
	}
	for i := b.Weights; i%States != 0; i++ {
		if f.Rest(b.Plane, i) != 0 {
			return BadZeros
		}
	}
	return 0
}

// Patch applies the patches of weights [from, from+len(dst)) of a block to dst. Patches that are not in order may be left
// out.
func (b *Block) Patch(f Form, from int, dst []uint16) {
	n := len(b.Patches) / 4
	first := sort.Search(n, func(i int) bool { at, _ := b.patch(i); return at >= from })
	for i := first; i < n; i++ {
		at, symbol := b.patch(i)
		if at < from || at-from >= len(dst) {
			return
		}
		dst[at-from] = f.Join(symbol, f.Rest(b.Plane, at))
	}
}

// patch returns the place and the symbol of a patch.
func (b *Block) patch(i int) (at int, symbol uint16) {
	p := binary.LittleEndian.Uint32(b.Patches[4*i:])
	return int(p % MaxBlock), uint16(p >> placeBits)
}
