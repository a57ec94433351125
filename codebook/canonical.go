package codebook

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// NewCanonical returns the book whose codes follow from their lengths: shorter codes first, codes of the same
// length in the order of their symbols, the end-of-stream code last. With an eosLength of 0 there is no
// end-of-stream code; otherwise it must be at least as long as every other code.
func NewCanonical(lengths *[256]uint8, eosLength uint8) (*Book, error) {
	codes, eos, err := canonicalCodes(lengths, eosLength)
	if err != nil {
		return nil, err
	}
	return NewBook(&codes, eos)
}

func canonicalCodes(lengths *[256]uint8, eosLength uint8) (codes [256]Code, eos Code, err error) {
	next := uint64(0) // start of the next code, in the next 32 bits of a stream
	assign := func(length uint8) (Code, error) {
		if next += 1 << (MaxLength - length); next > 1<<MaxLength {
			return Code{}, fmt.Errorf("codebook: the code lengths overfill a prefix code")
		}
		start := next - 1<<(MaxLength-length)
		return Code{Length: length, Bits: uint32(start >> (MaxLength - length))}, nil
	}
	longest := uint8(0)
	for _, length := range lengths {
		longest = max(longest, length)
	}
	if max(longest, eosLength) > MaxLength {
		return codes, eos, fmt.Errorf("codebook: code of %d bits, the longest possible is %d", max(longest, eosLength), MaxLength)
	}
	for length := uint8(1); length <= longest; length++ {
		for s := range lengths {
			if lengths[s] != length {
				continue
			}
			if codes[s], err = assign(length); err != nil {
				return codes, eos, err
			}
		}
	}
	if eosLength == 0 {
		return codes, eos, nil
	}
	if eosLength < longest {
		return codes, eos, fmt.Errorf("codebook: end-of-stream code of %d bits, the longest code has %d", eosLength, longest)
	}
	eos, err = assign(eosLength)
	return codes, eos, err
}

// Canonical returns the canonical book that codes h in the fewest bits among all books whose codes are at most
// limit bits long. It is found by package-merge (Larmore and Hirschberg, "A fast algorithm for optimal
// length-limited Huffman codes", J. ACM 37(3), 1990). The end of stream takes part as a symbol that occurs once.
// Canonical fails if limit bits cannot tell the symbols apart, if a symbol cannot be expressed, or if the code
// needs more prefix tables than DF11 has.
func Canonical(h *Histogram, limit int) (*Book, error) {
	bySymbol, eosLength, err := bestLengths(h, limit)
	if err != nil {
		return nil, err
	}
	return NewCanonical(&bySymbol, eosLength)
}

// bestLengths returns the code lengths of the book that Canonical returns if DF11 has tables for it.
func bestLengths(h *Histogram, limit int) (bySymbol [256]uint8, eosLength uint8, err error) {
	if err := h.Expressible(); err != nil {
		return bySymbol, 0, err
	}
	if h.Distinct() == 0 {
		return bySymbol, 0, nil
	}
	if smallest := smallestLimit(h); limit < smallest || limit > MaxLength {
		return bySymbol, 0, fmt.Errorf("codebook: a limit of %d bits for %d symbols and the end of stream, want %d to %d",
			limit, h.Distinct(), smallest, MaxLength)
	}
	leaves := sortedLeaves(h)
	lengths := packageMerge(leaves, limit)
	for i, leaf := range leaves {
		if leaf.symbol == endOfStream {
			eosLength = lengths[i]
		} else {
			bySymbol[leaf.symbol] = lengths[i]
		}
	}
	return bySymbol, eosLength, nil
}

// smallestLimit is the smallest number of bits that can tell the symbols of h and the end of stream apart.
func smallestLimit(h *Histogram) int { return bits.Len(uint(h.Distinct())) }

// endOfStream stands for the end-of-stream symbol. It comes before every exponent in order.
const endOfStream = -1

// A leaf is a symbol and how often it occurs.
type leaf struct {
	count  uint64
	symbol int
}

// sortedLeaves returns the symbols of h and the end of stream, which counts as one, rarest first.
func sortedLeaves(h *Histogram) []leaf {
	leaves := []leaf{{count: 1, symbol: endOfStream}}
	for s, n := range h {
		if n > 0 {
			leaves = append(leaves, leaf{n, s})
		}
	}
	slices.SortStableFunc(leaves, func(x, y leaf) int { return cmp.Compare(x.count, y.count) })
	return leaves
}

// packageMerge returns the code length of each leaf. The leaves are given rarest first.
//
// Level by level, the leaves are merged with the packages: pairs of items of the level before. Of the last level
// the first 2n-2 items are chosen. The packages among them choose twice as many items of the level before, and so
// on. A leaf's code length is the number of levels in which it is chosen. Each level is sorted, so the chosen
// leaves of a level are its rarest ones, and their number says which they are.
func packageMerge(leaves []leaf, limit int) []uint8 {
	levels := make([][]item, limit)
	for l := range levels {
		var packages []item
		if l > 0 {
			packages = pairUp(levels[l-1])
		}
		levels[l] = mergeItems(leaves, packages)
	}
	lengths := make([]uint8, len(leaves))
	chosen := 2*len(leaves) - 2
	for l := limit - 1; l >= 0; l-- {
		packages := 0
		for _, it := range levels[l][:chosen] {
			if it.isPackage {
				packages++
			}
		}
		for i := range chosen - packages {
			lengths[i]++
		}
		chosen = 2 * packages
	}
	return lengths
}

// An item of a level is a leaf or a package of two items of the level before.
type item struct {
	weight    uint64
	isPackage bool
}

func pairUp(level []item) []item {
	packages := make([]item, len(level)/2)
	for i := range packages {
		packages[i] = item{weight: level[2*i].weight + level[2*i+1].weight, isPackage: true}
	}
	return packages
}

// mergeItems merges leaves and packages by weight, leaves first among equals.
func mergeItems(leaves []leaf, packages []item) []item {
	items := make([]item, 0, len(leaves)+len(packages))
	for _, leaf := range leaves {
		for len(packages) > 0 && packages[0].weight < leaf.count {
			items = append(items, packages[0])
			packages = packages[1:]
		}
		items = append(items, item{weight: leaf.count})
	}
	return append(items, packages...)
}

// shortest returns the canonical book for h with the shortest stream among those that DF11 tables can express. A
// limit of 8 bits always gives one.
//
// All limits from the longest code on give the same lengths, so the limits between the two are passed over. The reason:
// the lowest level is one without packages. If package-merge chooses no package of a level, it chooses the same leaves
// where that level is the lowest.
func shortest(h *Histogram) (*Book, error) {
	for limit := MaxLength; ; limit-- {
		lengths, eosLength, err := bestLengths(h, limit)
		if err != nil {
			return nil, err
		}
		book, err := NewCanonical(&lengths, eosLength)
		if err == nil || limit <= 8 {
			return book, err
		}
		limit = min(limit, int(max(eosLength, slices.Max(lengths[:]))))
	}
}

// limited returns the canonical book for h with the smallest limit on its code lengths that costs little. The
// limit is at least TableBits, and the unit is larger than with the shortest book by at most limitSlack of its
// size.
func limited(h *Histogram) (*Book, error) {
	best, err := shortest(h)
	if err != nil || h.Distinct() == 0 {
		return best, err
	}
	size, err := ExpectedSize(h, best)
	if err != nil {
		return nil, err
	}
	allowed := size.Total() + uint64(limitSlack*float64(size.Total()))
	for limit := max(TableBits, smallestLimit(h)); limit < best.MaxLength(); limit++ {
		book, err := Canonical(h, limit)
		if err != nil {
			continue // it needs more tables than DF11 has
		}
		if size, err := ExpectedSize(h, book); err == nil && size.Total() <= allowed {
			return book, nil
		}
	}
	return best, nil
}
