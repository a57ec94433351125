package codebook

import (
	"fmt"
	"slices"
)

// Published returns the code book of the published encoder (dfloat11 0.5.0 over dahuffman), byte for byte. It is a
// Huffman code over the counts and an end-of-stream symbol that occurs once, with that encoder's order among equal
// counts. While a code is longer than 32 bits, the code is made again with the rarest symbols counted once.
//
// It fails where that encoder fails, and where its result depends on the version of a library below it:
//
//   - for no symbol, and for symbols or tables that DF11 cannot express;
//   - if the end-of-stream code takes the first entry of the first table, as it does with one symbol and sometimes
//     with a few;
//   - if equal counts leave open which symbols are the rarest.
func Published(h *Histogram) (*Book, error) {
	if err := h.Expressible(); err != nil {
		return nil, err
	}
	if h.Distinct() == 0 {
		return nil, fmt.Errorf("codebook: the published encoder has no code book for an empty histogram")
	}
	limited := *h
	root := huffman(&limited)
	for rarest := 2; root.depth() > MaxLength; rarest++ {
		var err error
		if limited, err = countOnce(h, rarest); err != nil {
			return nil, err
		}
		root = huffman(&limited)
	}
	var codes [256]Code
	var eos Code
	root.walk(Code{}, func(symbol int, c Code) {
		if symbol == endOfStream {
			eos = c
		} else {
			codes[symbol] = c
		}
	})
	b, err := NewBook(&codes, eos)
	if err != nil {
		return nil, fmt.Errorf("the published encoder has no code book for %d distinct exponents like these: %w", h.Distinct(), err)
	}
	b.published = true
	return b, nil
}

// A node of the Huffman tree is a leaf or has two children, of which low takes the bit 0.
type node struct {
	leaf
	low, high *node
}

// huffman merges the two least nodes until one is left. Nodes are ordered by count. Nodes with the same count are
// ordered by their leaves in tree order, and already the first symbols differ.
func huffman(h *Histogram) *node {
	var nodes []*node
	for _, l := range sortedLeaves(h) {
		nodes = append(nodes, &node{leaf: l})
	}
	for len(nodes) > 1 {
		low := popLeast(&nodes)
		high := popLeast(&nodes)
		nodes = append(nodes, &node{leaf: leaf{low.count + high.count, low.symbol}, low: low, high: high})
	}
	return nodes[0]
}

// popLeast removes the node with the least count. Among nodes with the same count it is the one whose first symbol
// is least.
func popLeast(nodes *[]*node) *node {
	least := 0
	for i, n := range *nodes {
		m := (*nodes)[least]
		if n.count < m.count || n.count == m.count && n.symbol < m.symbol {
			least = i
		}
	}
	n := (*nodes)[least]
	*nodes = slices.Delete(*nodes, least, least+1)
	return n
}

func (n *node) depth() int {
	if n.low == nil {
		return 0
	}
	return 1 + max(n.low.depth(), n.high.depth())
}

// walk visits the leaves in tree order. The tree is at most MaxLength deep.
func (n *node) walk(c Code, visit func(symbol int, c Code)) {
	if n.low == nil {
		visit(n.symbol, c)
		return
	}
	n.low.walk(Code{c.Length + 1, c.Bits << 1}, visit)
	n.high.walk(Code{c.Length + 1, c.Bits<<1 | 1}, visit)
}

// countOnce returns h with its rarest symbols counted once. The published encoder picks them by a partition, whose
// order among equal counts is not specified.
func countOnce(h *Histogram, rarest int) (Histogram, error) {
	leaves := sortedLeaves(h)[1:] // without the end of stream, which comes first
	if rarest >= len(leaves) {
		return *h, fmt.Errorf("codebook: the published encoder finds no code of %d bits for %d distinct exponents", MaxLength, len(leaves))
	}
	last, next := leaves[rarest-1].count, leaves[rarest].count
	if last == next && last > 1 {
		return *h, fmt.Errorf("codebook: the published encoder's choice of the %d rarest exponents is undefined: several occur %d times", rarest, last)
	}
	limited := *h
	for _, l := range leaves[:rarest] {
		limited[l.symbol] = 1
	}
	return limited, nil
}
