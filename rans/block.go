package rans

import (
	"encoding/binary"
	"fmt"
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
	return b.Patch(f, dst)
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

// Patch applies the patches of a block to its weights. It returns 0 or BadPatch.
func (b *Block) Patch(f Form, dst []uint16) Cause {
	next := 0
	for p := b.Patches; len(p) > 0; p = p[4:] {
		patch := binary.LittleEndian.Uint32(p)
		at, symbol := int(patch%MaxBlock), patch>>placeBits
		if at < next || at >= b.Weights || int(symbol) >= f.Symbols() {
			return BadPatch
		}
		dst[at] = f.Join(uint16(symbol), f.Rest(b.Plane, at))
		next = at + 1
	}
	return 0
}
