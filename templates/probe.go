package templates

import "encoding/binary"

// A probe is a word of the luts tensor that helps to tell code books apart. The number of rows plus the sum of
// the words, each times its factor, is different for each book. A probe behind the end of a tensor takes its last
// word.
type probe struct {
	Word   int
	Factor uint32
}

// probes looks for the fewest words that tell all books apart, one word after another. It takes books with the
// same luts for the same book.
func probes(books []DecodeBook) (found []probe) {
	alike := func(with []probe) (pairs int) {
		seen := map[uint32]int{}
		for i := range books {
			sum := probeSum(&books[i], with)
			pairs += seen[sum]
			seen[sum]++
		}
		return pairs
	}
	words := 0
	for i := range books {
		words = max(words, len(books[i].Luts)/4)
	}
	for left := alike(nil); left > 0; {
		var best []probe
		for word := range words {
			with := append(found[:len(found):len(found)], probe{word, uint32(2*len(found) + 1)})
			if n := alike(with); n < left {
				best, left = with, n
			}
		}
		if best == nil {
			return found
		}
		found = best
	}
	return found
}

// probeSum is the sum that the kernel computes for the luts of a book.
func probeSum(b *DecodeBook, with []probe) uint32 {
	sum := uint32(len(b.Luts) / rowBytes)
	for _, p := range with {
		sum += p.Factor * binary.LittleEndian.Uint32(b.Luts[4*min(p.Word, len(b.Luts)/4-1):])
	}
	return sum
}
