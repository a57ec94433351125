package states

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/rans"
)

// EncodeByteTables are an [EncodeTables] for vectors that can only look up bytes. Those of the type [ByteTable] are indexed by
// the place of a symbol, if nothing else is said. Two of them have the low and the high bytes of words.
//
// # Division
//
// A state is high * 2^16 + low, and 2^16 over the frequency is whole + part / 2^16. Then
// high * whole + (high * part >> 16) + (low * whole >> 16) is the quotient or at most 3 less: four things are left out, each
// less than 1.
//
// # The search
//
// It has five levels, with the nodes and the donations of an [EncodeTables]. A label says how a search has gone on so far: its
// bit i is 1 if it went to the second child of a node of level i.
type EncodeByteTables struct {
	// Frequency is the frequency, in grains.
	Frequency [2]ByteTable
	Whole     [2]ByteTable
	Part      [2]ByteTable
	Threshold ByteTable
	Donated   [2]ByteTable
	// Root is the root in each word. Nodes have those of levels 1 to 3 by their labels. Leaves have those of level 4, and 1
	// more, by the low three bits of their labels: the first vector if the other bit is 0, both (exclusive or) if it is 1.
	Root   [8]uint16
	Nodes  [3][8]uint16
	Leaves [2][8]uint16
	// Donations are indexed by labels. The low four bits are rotated to the left by one, and then the lowest is inverted.
	Donations [2]ByteTable
	// Ranges has all exponents of the table in the first RangesLen ranges.
	Ranges    [256 / rangeLen]PlaceRange
	RangesLen uint64
}

// rangeLen is the number of exponents of a range.
const rangeLen = 16

// A PlaceRange has the places of 16 successive exponents, from the one on that First has in each byte. With joint symbols,
// there are two places for an exponent. Those that are in the table have NoPlace added, the others are 0.
type PlaceRange struct {
	First  [16]uint8
	Places [2][rangeLen]uint8
}

// setBytes sets Bytes, after all else.
func (e *EncodeTables) setBytes(f rans.Form, t *rans.Table) {
	b := &e.Bytes
	for i := range rans.Buckets {
		if i < len(t.Frequencies) {
			grains := uint32(t.Frequencies[i])
			set(&b.Frequency, i, uint16(grains))
			set(&b.Whole, i, uint16(rans.Scale/grains))
			set(&b.Part, i, uint16(rans.Scale%grains<<16/grains))
		} else {
			set(&b.Frequency, i, 0)
			set(&b.Whole, i, 0)
			set(&b.Part, i, 0)
		}
		b.Threshold.set(i, byte(e.Threshold[i]))
		set(&b.Donated, i, e.Donated[i])
		label := i&16 | i>>1&7 | (1-i&1)<<3
		set(&b.Donations, i, e.Donations[reversed(label, 5)])
	}
	for i := range b.Root {
		b.Root[i] = e.Nodes[1]
		for level := range b.Nodes {
			b.Nodes[level][i] = e.node(level+1, i)
		}
		leaf := func(label int) uint16 { return min(e.node(4, label)+1, beyond) }
		b.Leaves[0][i] = leaf(i)
		b.Leaves[1][i] = leaf(i) ^ leaf(i|8)
	}
	b.setRanges(f, t)
}

// set sets an element of the tables of low and high bytes.
func set(tables *[2]ByteTable, i int, word uint16) {
	var halves [2]byte
	binary.LittleEndian.PutUint16(halves[:], word)
	for k, b := range halves {
		tables[k].set(i, b)
	}
}

// node is the node with the low bits of a label.
func (e *EncodeTables) node(level, label int) uint16 { return e.Nodes[1<<level|reversed(label, level)] }

// reversed returns the low n bits of x in the opposite order.
func reversed(x, n int) (r int) {
	for i := range n {
		r |= x >> i & 1 << (n - 1 - i)
	}
	return r
}

// setRanges sets the ranges.
func (b *EncodeByteTables) setRanges(f rans.Form, t *rans.Table) {
	var places [256][2]uint8
	for place, s := range t.Symbols {
		places[s>>f][s&uint16(f)] = NoPlace | uint8(place)
	}
	for first := 0; first < len(places); first++ {
		if places[first] == [2]uint8{} {
			continue
		}
		r := &b.Ranges[b.RangesLen]
		b.RangesLen++
		for i := range r.First {
			r.First[i] = uint8(first)
		}
		for i, pair := range places[first:min(first+rangeLen, len(places))] {
			for k, place := range pair {
				r.Places[k][i] = place
			}
		}
		first += rangeLen - 1
	}
}
