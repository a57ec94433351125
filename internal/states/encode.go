package states

import (
	"math/bits"
	"unsafe"

	"github.com/seed54244801/bespoke/rans"
)

// An Encoder codes whole steps of one block, or of two side by side, so that neither waits for its own last search. The last
// step comes first. An encoder stores the plane of the steps, too. One for AVX-512, with VBMI and VBMI2, looks up words, one for
// AVX2, with BMI2, the bytes of [EncodeByteTables].
//
// It reads only the weights of the steps, and writes only their plane, their words of Patched, as many rANS words as it
// counts in Left, and the job. One for AVX2 may write anything to the last [EncodeSpill] bytes that stay free before these
// words, too.
type Encoder func(*EncodeJob)

// EncodeSpill is the size of 8 rANS words.
const EncodeSpill = 16

// EncodeBlocks is the largest number of blocks that are coded side by side.
const EncodeBlocks = 2

// An EncodeJob is the arguments and the state of one call of an [Encoder]. Generated assembly addresses the fields by their
// offsets: their order is part of the contract.
type EncodeJob struct {
	// States are the states before and after: the low halves, then the high halves.
	States [EncodeBlocks][2][rans.States]uint16
	Tables *EncodeTables
	// Weights and Plane are where those of the first step begin. Weights are little-endian.
	Weights [EncodeBlocks]*byte
	Plane   [EncodeBlocks]*byte
	// Patched has a word for each step. Bit 2i+k is 1 if the symbol of weight i+32k is not in the table, and was coded as
	// the first one. AnyPatched has the bits of all of these words after the call.
	Patched    [EncodeBlocks]*uint64
	AnyPatched [EncodeBlocks]uint64
	// Words is the memory for rANS words. The first Left bytes are free, before and after, and filled from their end down.
	// They have room for [StepWords] words a step, the most that a step takes.
	Words [EncodeBlocks]*byte
	Left  [EncodeBlocks]uint64
	// Steps is the number of steps to code, of each block, at least 1.
	Steps uint64
}

// Offsets of the fields of an EncodeJob.
const (
	OffEncodeStates     = unsafe.Offsetof(EncodeJob{}.States)
	OffEncodeTables     = unsafe.Offsetof(EncodeJob{}.Tables)
	OffEncodeWeights    = unsafe.Offsetof(EncodeJob{}.Weights)
	OffEncodePlane      = unsafe.Offsetof(EncodeJob{}.Plane)
	OffEncodePatched    = unsafe.Offsetof(EncodeJob{}.Patched)
	OffEncodeAnyPatched = unsafe.Offsetof(EncodeJob{}.AnyPatched)
	OffEncodeWords      = unsafe.Offsetof(EncodeJob{}.Words)
	OffEncodeLeft       = unsafe.Offsetof(EncodeJob{}.Left)
	OffEncodeSteps      = unsafe.Offsetof(EncodeJob{}.Steps)
)

// NoPlace is the place of an exponent or a symbol that the table lacks. Its low bits are the place that it is coded as.
const NoPlace = 0x80

// Grain is what frequencies and thresholds are multiples of. A grain is as many ranks, or cells, that lie together.
const Grain = 1 << 16 / rans.Scale

// EncodeTables are a table as vectors. Those of words are indexed by the place of a symbol, if nothing else is said.
//
// # Division
//
// A state x is divided by f, both shifted left until f has 16 bits; x has 32 bits then. With u, the high half of x, and the
// reciprocal v, u + (u * v >> 16) is the quotient or at most 3 less: three things are left out, each less than 1, 1 and 2.
//
// # From a rank to a cell
//
// Ranks below the threshold of a symbol have the cells of its own bucket. The others have cells of buckets that it is donor
// of. Such cells of one bucket are a donation. There are at most 31, and here they lie one behind the other, in the order of
// symbols and ranks. A rank is in the last donation that starts at or before it, which a binary search finds: node 1 is its
// root, and the children of node n are 2n and 2n+1. Below the fifth level are the donations.
type EncodeTables struct {
	// Frequency is the frequency, in 65,536ths, and in its low 4 bits the number of zeros above it.
	Frequency [rans.Buckets]uint16
	// Reciprocal is 2^32-1 over the frequency shifted by these zeros, less 2^16.
	Reciprocal [rans.Buckets]uint16
	// Threshold is the number of grains of the symbol's own bucket that are its own.
	Threshold [rans.Buckets]uint16
	// Donated is what is added to the grain of a rank for its grain among those of all donors, modulo 65,536.
	Donated [rans.Buckets]uint16
	// Nodes has, for each node of the search, one less than the grain that the middle donation of its donations starts with.
	Nodes [rans.Buckets]uint16
	// Donations has for each donation what is added to 32 times a rank for the low half of the state, modulo 65,536.
	Donations [rans.Buckets]uint16
	// Places has the place of each exponent, or NoPlace. With joint symbols, it is where the two places for an exponent
	// are in Pairs.
	Places [256]uint8
	Pairs  [2 * rans.Buckets]uint8
	// Bytes are the same for encoders for AVX2.
	Bytes EncodeByteTables
}

// donations is the largest number of donations, and one more. beyond is beyond all grains.
const donations, beyond = rans.Buckets, 1<<15 - 1

// NewEncodeTables returns the tables for a valid table and its layout.
func NewEncodeTables(f rans.Form, t *rans.Table, a *rans.Alias) *EncodeTables {
	e := new(EncodeTables)
	var starts []uint16 // of the donations
	grain := uint16(0)
	for s := range t.Symbols {
		frequency := a.Frequency[s]
		zeros := bits.LeadingZeros16(frequency)
		e.Frequency[s] = frequency | uint16(zeros)
		e.Reciprocal[s] = uint16((1<<32-1)/(uint32(frequency)<<zeros) - 1<<16)
		e.Threshold[s] = a.Threshold[s] / Grain
		e.Donated[s] = grain - e.Threshold[s]
		for bucket, donor := range a.Donor {
			if int(donor) == s && bucket != s {
				e.Donations[len(starts)] = uint16(bucket) - a.Offset[bucket]*rans.Buckets
				starts = append(starts, grain)
				grain += (1<<16/rans.Buckets - a.Threshold[bucket]) / Grain
			}
		}
	}
	for node := 1; node < donations; node++ {
		level := bits.Len(uint(node)) - 1
		middle := (2*(node-1<<level) + 1) * (donations / 2 >> level)
		e.Nodes[node] = beyond
		if middle < len(starts) {
			e.Nodes[node] = starts[middle] - 1
		}
	}
	e.setPlaces(f, t)
	e.setBytes(f, t)
	return e
}

// setPlaces sets the places of symbols.
func (e *EncodeTables) setPlaces(f rans.Form, t *rans.Table) {
	for i := range e.Places {
		e.Places[i] = NoPlace
	}
	for i := range e.Pairs {
		e.Pairs[i] = NoPlace
	}
	pairs := uint8(0)
	for place, s := range t.Symbols {
		if f == rans.Exponent {
			e.Places[s] = uint8(place)
			continue
		}
		pair := &e.Places[s/2]
		if *pair == NoPlace {
			*pair = pairs
			pairs += 2
		}
		e.Pairs[*pair+uint8(s%2)] = uint8(place)
	}
}
