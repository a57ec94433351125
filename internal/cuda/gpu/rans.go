//go:build cuda

package gpu

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/rans"
)

// A RansMatrix is a matrix of package rans in device memory, with its table and splits.
type RansMatrix struct {
	Form      rans.Form
	Weights   int
	memory    *Memory
	described launch.RansMatrix
	splits    int
	parts     uint64 // two numbers for each split, for products
	whole     bool   // all blocks but the last are whole steps
}

// NewRansMatrix uploads a stream that is valid, with its splits, and waits for it.
func (d *Device) NewRansMatrix(s *rans.Stream, p *rans.Splits) (*RansMatrix, error) {
	t, err := rans.ParseTable(s.Form, s.Table)
	if err != nil {
		return nil, err
	}
	m := &RansMatrix{Form: s.Form, Weights: s.Weights, splits: p.Len(), whole: s.BlockWeights%rans.States == 0 || s.Len() < 2}
	const aligned = 256
	var all []byte
	place := func(tensor []byte) uint64 {
		at := len(all)
		all = append(all, tensor...)
		all = append(all, make([]byte, -len(all)&(aligned-1))...)
		return uint64(at)
	}
	words := func(words []uint32) (b []byte) {
		for _, w := range words {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		return b
	}
	at := &m.described
	at.Describe(s, p)
	at.Table, at.Index = place(launch.RansTable(s.Form, t.Alias())), place(s.Index)
	at.Blocks, at.Plane = place(s.Blocks), place(s.Plane)
	at.States, at.Positions = place(words(p.States)), place(words(p.Positions))
	m.parts = place(make([]byte, 8*p.Len()))
	if m.memory, err = d.Alloc(int64(len(all)), fmt.Sprintf("a matrix of %d weights", s.Weights)); err != nil {
		return nil, err
	}
	for _, address := range []*uint64{&at.Table, &at.Index, &at.Blocks, &at.Plane, &at.States, &at.Positions, &m.parts} {
		*address += uint64(m.memory.Address)
	}
	if err := m.memory.Write(all); err != nil {
		return nil, errors.Join(err, m.Free())
	}
	return m, nil
}

// Free releases the memory once all work that was queued before is done.
func (m *RansMatrix) Free() error { return m.memory.Free() }

// RansMatrices are matrices of the same form that one launch decodes. They have numbers from 0 on.
type RansMatrices struct {
	first  *RansMatrix
	memory *Memory
	count  int
	blocks int
}

// NewRansMatrices describes matrices to kernels, one at least, and where each of them is decoded to: device memory for its
// weights.
func (d *Device) NewRansMatrices(all []*RansMatrix, to []uintptr) (*RansMatrices, error) {
	described := make([]launch.RansMatrix, len(all))
	for i, m := range all {
		described[i] = m.described
		described[i].Outputs = uint64(to[i])
	}
	bytes, blocks := launch.RansMatrices(described)
	memory, err := d.Alloc(int64(len(bytes)), fmt.Sprintf("what is known of %d matrices", len(all)))
	if err != nil {
		return nil, err
	}
	r := &RansMatrices{all[0], memory, len(all), blocks}
	if err := memory.Write(bytes); err != nil {
		return nil, errors.Join(err, r.Free())
	}
	return r, nil
}

// Free releases the memory of the description.
func (r *RansMatrices) Free() error { return r.memory.Free() }

// DecodeRans queues the decoding of matrices by a kernel for their form. The word, of 8 bytes, gets what is wrong with
// the first split that is, see [launch.ParseRansError], if it is zero.
func (s *Slot) DecodeRans(k *Kernel, r *RansMatrices, word *Memory) error {
	if r.blocks == 0 {
		return nil
	}
	return s.Launch(k, r.blocks, uint64(r.memory.Address), uint64(r.count), 0, uint64(word.Address))
}

// MultiplyRans queues y = W x with the first of the matrices: x has `columns` bfloat16, y gets a float32 for each row.
// The kernel is one for the form; join is matvec_rans_join.
func (s *Slot) MultiplyRans(k, join *Kernel, r *RansMatrices, x, y uintptr, columns int, word *Memory) error {
	if !r.first.whole || columns < rans.States || columns%rans.States != 0 || r.first.Weights%columns != 0 {
		return fmt.Errorf("gpu: rows of %d of %d weights, want rows and blocks that are multiples of %d", columns, r.first.Weights, rans.States)
	}
	if r.blocks == 0 {
		return nil
	}
	at := uint64(r.memory.Address)
	if err := s.Launch(k, r.blocks, at, uint64(x), uint64(y), r.first.parts, uint64(columns), 0, uint64(word.Address)); err != nil {
		return err
	}
	blocks := (r.first.splits + launch.RansThreads - 1) / launch.RansThreads
	return s.Launch(join, blocks, at, uint64(y), r.first.parts, uint64(columns))
}
