package rans

import "encoding/binary"

// An Alias is the alias layout of a table: what a decoder looks up, for each bucket or symbol.
type Alias struct {
	Threshold [Buckets]uint16 // of a bucket: the number of cells that are its own symbol's, at most 2048
	Donor     [Buckets]uint16 // of a bucket: the place of the symbol that has the others; its own if there are none
	Offset    [Buckets]uint16 // of a bucket: what is added to cells of the donor, modulo 65,536
	Frequency [Buckets]uint16 // of the symbol at this place, in 65,536ths
	Symbol    [Buckets]uint16 // at this place
}

// Alias returns the layout of a valid table. Each symbol has 16 cells for one of its frequency; places without a symbol
// have none. While a bucket has fewer cells left than it needs to be full, the one with the fewest is filled by the
// symbol with the most left, the first of these if there are several. Then ranks are given out: for each symbol its own
// bucket first, then the buckets that it is donor of, in their order.
func (t *Table) Alias() *Alias {
	a := new(Alias)
	var left [Buckets]int // cells of the symbol that have no bucket
	var full [Buckets]bool
	for i := range Buckets {
		a.Donor[i] = uint16(i)
		if i < len(t.Symbols) {
			a.Symbol[i] = t.Symbols[i]
			a.Frequency[i] = t.Frequencies[i] * (cells / Scale)
			left[i] = int(a.Frequency[i])
		}
	}
	for {
		least, most := -1, 0
		for i, n := range left {
			if !full[i] && n < bucketCells && (least < 0 || n < left[least]) {
				least = i
			}
			if n > left[most] {
				most = i
			}
		}
		if least < 0 {
			break
		}
		a.Threshold[least] = uint16(left[least])
		a.Donor[least] = uint16(most)
		full[least] = true
		left[most] -= bucketCells - left[least]
		left[least] = 0
	}
	var given [Buckets]uint16
	for i := range Buckets {
		if !full[i] { // exactly full of its own
			a.Threshold[i] = bucketCells
		}
		given[i] = a.Threshold[i]
	}
	for i, donor := range a.Donor {
		if full[i] {
			a.Offset[i] = given[donor] - a.Threshold[i]
			given[donor] += bucketCells - a.Threshold[i]
		}
	}
	return a
}

// Look returns the place of the symbol that the low 16 bits of a state stand for, and the rank.
func (a *Alias) Look(low uint16) (place int, rank uint16) {
	bucket, cell := low%Buckets, low/Buckets
	if cell < a.Threshold[bucket] {
		return int(bucket), cell
	}
	return int(a.Donor[bucket]), cell + a.Offset[bucket]
}

// next takes a symbol from a state, which is refilled from the words where it has to be. It returns the place of the
// symbol and the words that are left, or false if there is none to refill the state.
func (a *Alias) next(x *uint32, words []byte) (place int, left []byte, ok bool) {
	place, rank := a.Look(uint16(*x))
	*x = uint32(a.Frequency[place])*(*x>>16) + uint32(rank)
	if *x < least {
		if len(words) == 0 {
			return 0, nil, false
		}
		*x = *x<<16 | uint32(binary.LittleEndian.Uint16(words))
		words = words[2:]
	}
	return place, words, true
}
