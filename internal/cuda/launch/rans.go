package launch

import (
	"encoding/binary"
	"fmt"
	"slices"

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

// Describe fills in what follows from a stream whose sizes are valid, and the number of steps of its splits.
func (m *RansMatrix) Describe(s *rans.Stream, steps int) {
	m.words, m.weights = uint64(len(s.Blocks)/2), uint64(s.Weights)
	m.blockWeights, m.splitSteps, m.splits = uint32(s.BlockWeights), uint32(steps), uint32(s.SplitsOf(steps))
}

// Splits is the number of splits of the matrix.
func (m *RansMatrix) Splits() int { return int(m.splits) }

// pairs is the number of warps that decode the matrix.
func (m *RansMatrix) pairs() uint32 { return m.splits/2 + m.splits%2 }

// Grid is the number of thread blocks, of [RansThreads] threads each, of a launch for the matrix alone.
func (m *RansMatrix) Grid() int { return ransBlocks(m.pairs()) }

// JoinGrid is the same for [RansJoinEntry].
func (m *RansMatrix) JoinGrid() int { return ceilDiv(int(m.splits), RansThreads) }

// Cuts reports whether rows of a number of columns, which [CheckRansProduct] accepts, go through several splits. If so,
// [RansJoinEntry] has to follow a product. It may do so in any case.
func (m *RansMatrix) Cuts(columns int) bool {
	row, block := columns/rans.States, ceilDiv(int(m.blockWeights), rans.States)
	between := m.weights > uint64(m.blockWeights) && block%row != 0
	within := block > int(m.splitSteps) && int(m.splitSteps)%row != 0
	return between || within
}

// CheckRansProduct returns an error if kernels cannot multiply with a stream as a matrix of rows of a number of columns,
// 1 or more.
func CheckRansProduct(s *rans.Stream, columns int) error {
	switch {
	case columns%rans.States != 0:
		return fmt.Errorf("rows of %d weights, but products on a GPU need a multiple of %d with rANS", columns, rans.States)
	case s.Len() > 1 && s.BlockWeights%rans.States != 0:
		return fmt.Errorf("blocks of %d weights, but products on a GPU need a multiple of %d with rANS", s.BlockWeights, rans.States)
	}
	return nil
}

func ransBlocks(pairs uint32) int { return ceilDiv(int(pairs), RansThreads/32) }

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
	return b, ransBlocks(first)
}

// RansThreads is the number of threads of a thread block.
const RansThreads = 256

// RansSplitSteps is the number of steps of the splits of a unit of so many weights. A warp takes two splits, and the largest
// GPUs run some 8,000 warps at once. With 16,384 warps or more, none of their multiprocessors waits long for the last ones.
// Longer splits take less memory: those of 64 steps half a bit a weight, those of 512 a sixteenth.
func RansSplitSteps(weights int) int {
	const splits, least, most = 2 * 16384, 64, 512
	steps := least
	for steps < most && weights/(2*steps*rans.States) >= splits {
		steps *= 2
	}
	return steps
}

// OfRans describes the kernels of package rans, which report errors as [ParseRansError] reads them.
func OfRans() (all []Launch) {
	for _, entry := range []string{
		RansEntry(rans.Exponent), RansEntry(rans.Joint), RansProductEntry(rans.Exponent), RansProductEntry(rans.Joint), RansJoinEntry,
	} {
		all = append(all, Launch{Entry: entry, Threads: RansThreads})
	}
	return all
}

// RansOf returns those of launches that are kernels of package rans.
func RansOf(launches []Launch) (own []Launch) {
	for _, l := range OfRans() {
		if slices.ContainsFunc(launches, func(k Launch) bool { return k.Entry == l.Entry }) {
			own = append(own, l)
		}
	}
	return own
}

// RansEntriesOf returns the names of the kernels for matrices of a form.
func RansEntriesOf(f rans.Form) []string {
	return []string{RansEntry(f), RansProductEntry(f), RansJoinEntry}
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

// RansJoinEntry is the name of the kernel that adds what splits have of the same row, behind a product.
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
