//go:build amd64 && !purego

package encode

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/seed54244801/bespoke/codebook"
)

// hasAVX2 says that the CPU and the operating system support all that the assembly uses. Tests turn
// it off.
var hasAVX2 = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2, cpuid.BMI1, cpuid.BMI2, cpuid.MOVBE)

// vector is the number of bytes that the assembly works on at once.
const vector = 32

// splitWhole splits as many weights as whole vectors hold and returns the number of their groups.
func splitWhole(weights []byte, groups []uint64, signMantissa []byte) int {
	vectors := min(len(weights)/2, groupElements*len(groups), len(signMantissa)) / vector
	if !hasAVX2 || vectors == 0 {
		return 0
	}
	splitVectors(&weights[0], &groups[0], &signMantissa[0], vectors)
	return vector / groupElements * vectors
}

// splitVectors splits 32 weights, vectors times.
//
//go:noescape
func splitVectors(weights *byte, exponents *uint64, signMantissa *byte, vectors int)

// packWhole packs whole groups from the given one on, up to the first with more than groupBits bits, and returns
// their number. The weights, and the place of their sign_mantissa bytes, begin with that group. They tell where to
// prefetch the next block.
func (p *packer) packWhole(c *codes, first int, weights, signMantissa []byte) int {
	n := p.n/groupElements - first
	if !hasAVX2 || n == 0 {
		return p.packWholeGo(c, first)
	}
	done, acc, bit := packGroups(&p.exponents[first], n, &c.pairs[0], &p.starts[first], &p.stream[1],
		p.acc, p.bit, &weights[0], &signMantissa[0], p.ahead)
	p.acc, p.bit = acc, bit
	return done
}

// packGroups appends the codes of whole groups to a stream that is bit bits long and ends with those of acc, up to
// the first group with more than groupBits bits, and notes where each starts. It returns how many groups it
// appended, and acc and bit after them. The stream has 8 bytes more than the codes need. Memory is prefetched
// ahead elements after weights and signMantissa.
//
//go:noescape
func packGroups(exponents *uint64, groups int, pairs *pair, starts *uint32, stream *byte, acc, bit uint64, weights, signMantissa *byte, ahead int) (done int, accAfter, bitAfter uint64)

// shiftWhole shifts as many bytes as whole vectors hold and returns their number.
func shiftWhole(dst, src []byte, shift uint64) int {
	vectors := len(dst) / vector
	if !hasAVX2 || vectors == 0 {
		return 0
	}
	shiftVectors(&dst[0], &src[1], vectors, shift)
	return vector * vectors
}

// shiftVectors writes 32 bytes of src, vectors times, with their bits shifted right by 0 to 7; those of the
// byte before src come first.
//
//go:noescape
func shiftVectors(dst, src *byte, vectors int, shift uint64)

// gaps sets the gaps of the windows whose start the codes of a block reach. The first code of the block starts at
// bit offset of a window.
func (p *packer) gaps(c *codes, offset uint64, gaps []byte) {
	if !hasAVX2 || p.long || len(gaps) == 0 {
		p.gapsGo(c, offset, gaps)
		return
	}
	findGaps(&p.starts[0], p.groups(), offset, &p.last[0], &p.exponents[0], &c.pairs[0], &gaps[0], len(gaps))
}

// findGaps sets the gaps of windows. The first group starts at bit offset of the window before them, and
// starts says where the others do from there; none has more than groupBits bits. last has room for an
// entry more than there are windows.
//
//go:noescape
func findGaps(starts *uint32, groups int, offset uint64, last *uint16, exponents *uint64, pairs *pair, gaps *byte, windows int)

// The assembly counts a run of 14 exponents. mostVectors bounds how many vectors are counted at a time, and so
// what is copied.
const (
	runExponents = 14
	mostVectors  = 255
)

// countWhole adds the exponents of as many weights as whole vectors hold to h, and returns their number. The run
// is the heaviest among the first weights. The few other exponents are counted one by one.
func countWhole(h *codebook.Histogram, b []byte) int {
	const sampleBytes = 1 << 10
	if !hasAVX2 || len(b) < 16*sampleBytes {
		return 0
	}
	var sample codebook.Histogram
	sample.CountBytes(b[:sampleBytes])
	first := sample.HeaviestRun(runExponents, 1)
	var counts [runExponents][4]uint64
	var others [mostVectors * vector]byte
	n := 0
	for len(b) >= 2*vector {
		vectors := min(len(b)/(2*vector), mostVectors)
		copied := countVectors(&b[0], vectors, uint8(first), &counts[0], &others[0])
		for _, e := range others[:vector*copied] {
			if e >= runExponents {
				h[e+uint8(first)]++
			}
		}
		n += vector * vectors
		b = b[2*vector*vectors:]
	}
	for s, sums := range counts {
		h[first+s] += sums[0] + sums[1] + sums[2] + sums[3]
	}
	return n
}

// countVectors adds to counts, four sums each, how often the runExponents exponents from first on occur in 32
// weights, vectors times, 1 or more. If other exponents occur in a vector, all exponents of the vector, minus
// first, are copied to others. countVectors returns the number of vectors copied.
//
//go:noescape
func countVectors(weights *byte, vectors int, first uint8, counts *[4]uint64, others *byte) int
