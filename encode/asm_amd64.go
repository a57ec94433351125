//go:build amd64 && !purego

package encode

import "github.com/seed54244801/bespoke/codebook"

//go:generate go test ../avo -run ^TestEncoderAssembly$ -update

// splitVectors splits 32 weights, vectors times.
//
//go:noescape
func splitVectors(weights, exponents, signMantissa *byte, vectors int)

// packGroups appends the codes of whole groups to a stream that is bit bits long and ends with those of
// acc, up to the first group with more than groupBits bits, and notes where each starts. It returns how many
// it appended, and acc and bit after them. The stream has 8 bytes more than the codes need. It
// fetches the weights so many elements ahead, and the place of their sign_mantissa bytes.
//
//go:noescape
func packGroups(exponents *byte, groups int, pairs *pair, starts *uint32, stream *byte, acc, bit uint64, weights, signMantissa *byte, ahead int) (done int, accAfter, bitAfter uint64)

// shiftVectors writes 32 bytes of src, vectors times, with their bits shifted right by 0 to 7; those of the
// byte before src come first.
//
//go:noescape
func shiftVectors(dst, src *byte, vectors int, shift uint64)

// indexWindows sets the gaps of windows. The first group starts at bit offset of a window, and starts says
// where the others do from there. It writes the last group that starts in each window to last. No group
// has more than groupBits bits.
//
//go:noescape
func indexWindows(starts *uint32, groups int, offset uint64, last *uint16, exponents *byte, pairs *pair, gaps *byte, windows int)

// countVectors sets counts, four sums each, to how often the 14 exponents from first on occur in 32 weights,
// vectors times, at most 255. Vectors with other exponents are copied to others, from which first is
// subtracted; it returns their number.
//
//go:noescape
func countVectors(weights *byte, vectors int, first uint8, counts *[4]uint64, others *byte) int

// splitWhole splits as many weights as whole vectors hold and returns their number.
func splitWhole(weights, exponents, signMantissa []byte) int {
	const vector = 32
	vectors := min(len(weights)/2, len(exponents), len(signMantissa)) / vector
	if !hasAVX2 || vectors == 0 {
		return 0
	}
	splitVectors(&weights[0], &exponents[0], &signMantissa[0], vectors)
	return vectors * vector
}

// packWhole packs whole groups from the given one on, up to the first with more than groupBits bits, and returns
// their number.
func (p *packer) packWhole(c *codes, first int) int {
	n := p.n/groupElements - first
	if !hasAVX2 || n == 0 {
		return p.packWholeGo(c, first)
	}
	done, acc, bit := packGroups(&p.exponents[groupElements*first], n, &c.pairs[0], &p.starts[first], &p.stream[1],
		p.acc, p.bit, &p.weights[2*groupElements*first], &p.signMantissa[groupElements*first], p.ahead)
	p.acc, p.bit = acc, bit
	return done
}

// shiftWhole shifts as many bytes as whole vectors hold and returns their number.
func shiftWhole(dst, src []byte, shift uint64) int {
	const vector = 32
	vectors := len(dst) / vector
	if !hasAVX2 || vectors == 0 {
		return 0
	}
	shiftVectors(&dst[0], &src[1], vectors, shift)
	return vector * vectors
}

// gaps sets the gaps of the windows that the codes of a block run into, from the given bit of a window on.
func (p *packer) gaps(c *codes, offset uint64, gaps []byte) {
	if !hasAVX2 || p.long || len(gaps) == 0 {
		p.gapsGo(c, offset, gaps)
		return
	}
	indexWindows(&p.starts[0], p.groups(), offset, &p.last[0], &p.exponents[0], &c.pairs[0], &gaps[0], len(gaps))
}

// countWhole adds the exponents of as many weights as whole vectors hold to h, and returns their number.
func countWhole(h *codebook.Histogram, b []byte) int {
	const vector, most, run = 32, 255, 14
	if !hasAVX2 || len(b) < 2*vector*most {
		return 0
	}
	var sample codebook.Histogram
	sample.CountBytes(b[:2*vector*most/4])
	first := heaviestRun(&sample, run)
	n := 0
	var counts [run][4]uint64
	var others [vector * most]byte
	for len(b) >= 2*vector {
		vectors := min(len(b)/(2*vector), most)
		for _, e := range others[:vector*countVectors(&b[0], vectors, uint8(first), &counts[0], &others[0])] {
			if e >= run {
				h[e+uint8(first)]++
			}
		}
		for s, sums := range counts {
			h[first+s] += sums[0] + sums[1] + sums[2] + sums[3]
		}
		n += vector * vectors
		b = b[2*vector*vectors:]
	}
	return n
}
