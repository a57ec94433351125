//go:build amd64 && !purego

package rans

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/rans"
)

// The assembly counts a run of 32 symbols. mostSteps bounds how many steps are counted at a time, and so what is copied.
const (
	runSymbols = 32
	mostSteps  = 240
)

// countWhole adds the joint symbols of as many weights as whole steps hold to counts, and returns their bytes. The run is the
// heaviest among the first weights. The few other symbols are counted one by one.
func countWhole(counts *[512]uint64, b []byte) int {
	const sampleBytes = 1 << 10
	count := counter()
	if count == nil || len(b) < 16*sampleBytes {
		return 0
	}
	var sample codebook.Histogram
	sample.CountBytes(b[:sampleBytes])
	first := uint16(2 * sample.HeaviestRun(runSymbols/2, 1))
	var run [runSymbols][8]uint64
	var others [mostSteps * stepBytes]byte
	n := 0
	for len(b) >= stepBytes {
		steps := min(len(b)/stepBytes, mostSteps)
		copied := count(&b[0], steps, first, &run[0], &others[0])
		for o := others[:copied*stepBytes]; len(o) > 0; o = o[2:] {
			if s := rans.Joint.Symbol(binary.LittleEndian.Uint16(o)); s-first >= runSymbols {
				counts[s]++
			}
		}
		n += steps * stepBytes
		b = b[steps*stepBytes:]
	}
	for s, sums := range run {
		for _, sum := range sums {
			counts[int(first)+s] += sum
		}
	}
	return n
}

// counter returns the assembly that counts joint symbols, or nil if the CPU cannot run any.
func counter() func(weights *byte, steps int, first uint16, counts *[8]uint64, others *byte) int {
	switch {
	case hasAVX512:
		return countJoint
	case hasAVX2:
		return countJointAVX2
	}
	return nil
}

// countJoint adds to counts, eight sums each, how often the runSymbols joint symbols from first on occur in 64 weights,
// steps times, 1 or more. If other symbols occur in a step, its weights are copied to others. countJoint returns the number
// of steps copied.
//
//go:noescape
func countJoint(weights *byte, steps int, first uint16, counts *[8]uint64, others *byte) int

// countJointAVX2 does the same. It leaves the second four sums as they are.
//
//go:noescape
func countJointAVX2(weights *byte, steps int, first uint16, counts *[8]uint64, others *byte) int
