package launch

import (
	"encoding/binary"
	"fmt"

	"github.com/seed54244801/bespoke/rans"
)

// RansTableBytes is the size of a table as kernels of package rans take it.
const RansTableBytes = 4 * 2 * rans.Buckets

// RansTable lays out a table, little-endian, as rans.cuh describes it: a word for each bucket, then one for each symbol.
func RansTable(f rans.Form, a *rans.Alias) []byte {
	// found is how far up the threshold is compared, places is one more than the largest number in the low bits.
	const found, places = 25, 1 << 21
	var b []byte
	for j := range uint32(rans.Buckets) {
		word := uint32(0) // never overflows: the bucket has no donor
		if t := uint32(a.Threshold[j]); t < rans.Scale/2 {
			offset := (rans.Buckets*uint32(a.Offset[j]) + uint32(a.Donor[j]) - j) % places
			word = offset - places - t/16<<found
		}
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	for i, frequency := range a.Frequency {
		b = binary.LittleEndian.AppendUint32(b, uint32(frequency)<<16|uint32(f.Join(a.Symbol[i], 0)))
	}
	return b
}

// A RansMatrix tells kernels of package rans of a matrix in device memory. Addresses are those of Table, which
// [RansTable] makes, and of the slices of the stream and its splits. Blocks is aligned to 4 bytes, States to 16.
type RansMatrix struct {
	Table, Index, Blocks, Plane, States, Positions uint64
	// Outputs is where the weights go, at a multiple of two bytes.
	Outputs uint64

	words, weights                   uint64
	blockWeights, splitSteps, splits uint32
}

// RansMatrixBytes is the size of a RansMatrix as kernels read it.
const RansMatrixBytes = 9*8 + 4*4

// Describe fills in what follows from a stream that is valid, and its splits.
func (m *RansMatrix) Describe(s *rans.Stream, p *rans.Splits) {
	m.words, m.weights = uint64(len(s.Blocks)/2), uint64(s.Weights)
	m.blockWeights, m.splitSteps, m.splits = uint32(s.BlockWeights), uint32(p.Steps), uint32(p.Len())
}

// pairs is the number of warps that decode the matrix.
func (m *RansMatrix) pairs() uint32 { return m.splits/2 + m.splits%2 }

// RansMatrices lays out matrices for a launch of a kernel of package rans, little-endian, aligned to 8 bytes, and returns
// the number of thread blocks of the launch, of [RansThreads] threads each.
func RansMatrices(all []RansMatrix) (b []byte, blocks int) {
	first := uint32(0)
	for i := range all {
		m := &all[i]
		for _, v := range []uint64{m.Table, m.Index, m.Blocks, m.Plane, m.States, m.Positions, m.Outputs, m.words, m.weights} {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		for _, v := range []uint32{m.blockWeights, m.splitSteps, m.splits, first} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		first += m.pairs()
	}
	return b, ceilDiv(int(first), RansThreads/32)
}

// RansThreads is the number of threads of a thread block.
const RansThreads = 256

// OfRans describes the kernels of package rans, which report errors as [ParseRansError] reads them.
func OfRans() (all []Launch) {
	for _, entry := range []string{
		RansEntry(rans.Exponent), RansEntry(rans.Joint), RansProductEntry(rans.Exponent), RansProductEntry(rans.Joint), RansJoinEntry,
	} {
		all = append(all, Launch{Entry: entry, Threads: RansThreads})
	}
	return all
}

// RansEntry returns the name of the kernel that decodes matrices of a form.
func RansEntry(f rans.Form) string {
	if f == rans.Joint {
		return "decode_rans_joint"
	}
	return "decode_rans"
}

// RansProductEntry returns the name of the kernel that multiplies with matrices of a form.
func RansProductEntry(f rans.Form) string {
	if f == rans.Joint {
		return "matvec_rans_joint"
	}
	return "matvec_rans"
}

// RansJoinEntry is the name of the kernel that puts the rows of a product together that go through several splits.
const RansJoinEntry = "matvec_rans_join"

// A RansError is what a kernel found wrong with a split of a matrix.
type RansError struct {
	Cause  Cause
	Matrix int // modulo 2^24
	Split  int
}

func (e *RansError) Error() string {
	return fmt.Sprintf("matrix %d, split %d: %v", e.Matrix, e.Split, e.Cause)
}

// ParseRansError reads the error word of a kernel of package rans: nil for 0.
func ParseRansError(word uint64) error {
	if word == 0 {
		return nil
	}
	return &RansError{Cause: Cause(word >> 56), Matrix: int(word >> 32 & 0xffffff), Split: int(uint32(word))}
}
