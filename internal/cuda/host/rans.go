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

// LaunchRans decodes matrices and returns their weights, one matrix after another. See [Kernel.ErrorWord] for what is wrong
// with them.
func (k *Kernel) LaunchRans(l RansLaunch) ([]uint16, error) {
	described := make([]launch.RansMatrix, len(l.Matrices))
	weights := 0
	for i, m := range l.Matrices {
		described[i].Describe(m.Stream, m.Splits)
		weights += m.Stream.Weights
	}
	descriptions, blocks := launch.RansMatrices(described)
	entry := ransExponent
	if l.Matrices[0].Stream.Form == rans.Joint {
		entry = ransJoint
	}
	var b []byte
	for _, v := range []int{int(l.Seed), entry, blocks, 0, l.Offset, l.OutputOffset, 0, 0, 0, l.Number, weights, 0, 0, 0, 0, len(l.Matrices)} {
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
	return k.serve(b, weights)
}

// bytesOf returns words as they lie in memory.
func bytesOf(words []uint32) (b []byte) {
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
