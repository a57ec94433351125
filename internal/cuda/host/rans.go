package host

import (
	"encoding/binary"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/rans"
)

// The entries of the kernels of package rans.
const (
	ransExponent = 7 + iota
	ransJoint
	ransProduct
	ransJointProduct
)

// A RansLaunch is one launch of a kernel of package rans. Nothing is checked before, but the sizes of streams have to be
// valid.
type RansLaunch struct {
	Matrices []RansInput // all of the same form
	Number   int         // of the first matrix
	Seed     uint64      // chooses the order of blocks and threads
	// Offset moves planes this many bytes away from an aligned address, OutputOffset outputs this many words.
	Offset, OutputOffset int
}

// A RansInput is a matrix with its splits. Table replaces the one that the stream has, unless it is nil.
type RansInput struct {
	Stream *rans.Stream
	Splits *rans.Splits
	Table  []byte
}

// MultiplyRans multiplies the first matrix, of so many columns, with a vector of bfloat16 numbers. See
// [Kernel.ErrorWord] for what is wrong with it.
func (k *Kernel) MultiplyRans(l RansLaunch, columns int, x []uint16) ([]float32, error) {
	words, err := k.launchRans(l, columns, x)
	return floats(words), err
}

// LaunchRans decodes matrices and returns their weights, one matrix after another. See [Kernel.ErrorWord] for what is wrong
// with them.
func (k *Kernel) LaunchRans(l RansLaunch) ([]uint16, error) { return k.launchRans(l, 0, nil) }

// launchRans multiplies if there are columns.
func (k *Kernel) launchRans(l RansLaunch, columns int, x []uint16) ([]uint16, error) {
	described := make([]launch.RansMatrix, len(l.Matrices))
	words := 0
	for i, m := range l.Matrices {
		described[i].Describe(m.Stream, m.Splits.Steps)
		words += m.Stream.Weights
	}
	descriptions, blocks := launch.RansMatrices(described)
	entry := ransExponent
	if columns > 0 {
		entry, words = ransProduct, 2*l.Matrices[0].Stream.Weights/columns
	}
	if l.Matrices[0].Stream.Form == rans.Joint {
		entry++
	}
	var b []byte
	for _, v := range []int{int(l.Seed), entry, blocks, 0, l.Offset, l.OutputOffset, 0, 0, 0, l.Number, words, 0, 0, columns, 0, len(l.Matrices)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	for i, m := range l.Matrices {
		table := m.Table
		if table == nil {
			t, err := rans.ParseTable(m.Stream.Form, m.Stream.Table)
			if err != nil {
				return nil, err
			}
			table = launch.RansTable(m.Stream.Form, t.Alias())
		}
		for _, tensor := range [][]byte{table, m.Stream.Index, m.Stream.Blocks, m.Stream.Plane, bytesOf(m.Splits.States), bytesOf(m.Splits.Positions)} {
			b = binary.LittleEndian.AppendUint64(b, uint64(len(tensor)))
			b = append(b, tensor...)
		}
		b = append(b, descriptions[i*launch.RansMatrixBytes:][:launch.RansMatrixBytes]...)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(2*len(x)))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return k.serve(b, words)
}

// bytesOf returns words as they lie in memory.
func bytesOf(words []uint32) (b []byte) {
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
