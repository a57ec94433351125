//go:build amd64 && !purego

package encode

//go:generate go test ../avo -run ^TestEncoderAssembly$ -update

// splitVectors splits 32 weights, vectors times.
//
//go:noescape
func splitVectors(weights, exponents, signMantissa *byte, vectors int)

// packGroups appends the codes of whole groups to a stream that is bit bits long and ends with those of
// acc, up to the first group with more than groupBits bits, and notes where each starts. It returns how many
// it appended, and acc and bit after them. The stream has 8 bytes more than the codes need.
//
//go:noescape
func packGroups(exponents *byte, groups int, pairs *pair, starts *uint32, stream *byte, acc, bit uint64) (done int, accAfter, bitAfter uint64)

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

// groups packs whole groups from the given one on, up to the first with more than groupBits bits, and returns
// their number.
func (p *packer) groups(c *codes, first int) int {
	n := p.n/groupElements - first
	if !hasAVX2 || n == 0 {
		return p.groupsGo(c, first)
	}
	done, acc, bit := packGroups(&p.exponents[groupElements*first], n, &c.pairs[0], &p.starts[first], &p.stream[0], p.acc, p.bit)
	p.acc, p.bit = acc, bit
	return done
}
