package rans

import (
	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/product"
)

// Multiplies reports whether Multiply can multiply with blocks as rows of a number of columns: there is assembly, a row is a
// whole number of steps, and a block a whole number of rows.
func (s *Stream) Multiplies(cols int) bool {
	return s.one != nil && cols%rans.States == 0 && s.BlockWeights%cols == 0 && s.Weights%cols == 0
}

// Multiply multiplies the rows that blocks [first, end) have with vectors. Of the results of vector i, those of the first
// row go to y[i*stride]. The order of sums is that of package internal/product. One vector is multiplied in registers, if
// there are no patches; else a few rows at a time are decoded to memory that stays in the cache. The error is a
// [*rans.BlockError]; then y may hold anything.
//
// There are up to states.Blocks blocks, and [Stream.Multiplies] has to be true.
func (s *Stream) Multiply(first, end int, v *product.Vectors, y []float32, stride int) error {
	if first == end || v.Len() == 0 {
		return nil
	}
	w := works.Get().(*work)
	defer w.done()
	var all [states.Blocks]progress
	blocks := all[:end-first]
	for i := range blocks {
		var ok bool
		if blocks[i], ok = s.start(first+i, nil); !ok {
			// The error of a block before it comes first. A broken stream need not be fast.
			return s.firstError(first, end, rans.BlockError{Block: first + i, Cause: rans.BadState})
		}
	}
	rows := s.BlockWeights / v.Cols()
	patches := 0
	for i := range blocks {
		patches += len(blocks[i].Patches)
	}
	if v.Len() == 1 && patches == 0 && s.multiply != nil {
		s.inRegisters(w, blocks, rows, v, y)
	} else {
		s.inTiles(w, blocks, rows, v, y, stride)
	}
	for i := range blocks {
		if cause := blocks[i].finish(); cause != 0 {
			return s.firstError(first, end, rans.BlockError{Block: first + i, Cause: cause})
		}
	}
	return nil
}

// firstError decodes blocks and returns the error of the first one that cannot be decoded, or else the one that was found.
func (s *Stream) firstError(first, end int, found rans.BlockError) error {
	for ; first < end; first++ {
		if err := s.decode(first, first+1, true, make([]uint16, s.Block(s.layout, first).Weights)); err != nil {
			return err
		}
	}
	return &found
}

// inRegisters multiplies blocks of a number of rows with one vector.
func (s *Stream) inRegisters(w *work, all []progress, rows int, v *product.Vectors, y []float32) {
	job := &w.job
	job.X, job.RowSteps = &v.Vector(0)[0], uint64(v.Cols()/rans.States)
	job.RowLeft = job.RowSteps
	var memory [states.Blocks]*progress
	for blocks := unfinished(memory[:0], all); len(blocks) > 0; blocks = unfinished(memory[:0], all) {
		w.fill(blocks)
		for i := range states.Blocks {
			// Blocks end at the end of a row. So those that go on are all in the same row.
			job.Y[i] = &y[rows*(blocks[min(i, len(blocks)-1)].number-all[0].number)]
		}
		s.multiply(job)
		w.take(blocks)
	}
}

// tileBytes is about the size of the rows that are decoded at a time for several vectors.
const tileBytes = 128 << 10

// inTiles multiplies blocks of a number of rows with several vectors, a few rows of each block at a time.
func (s *Stream) inTiles(w *work, all []progress, rows int, v *product.Vectors, y []float32, stride int) {
	cols := v.Cols()
	few := max(1, tileBytes/(2*cols*states.Blocks))
	if need := few * cols * states.Blocks; len(w.tile) < need {
		w.tile = make([]uint16, need)
	}
	for row := 0; row < rows; row += few {
		w.decode(all, (row+few)*cols/rans.States, func(_ int, p *progress) int {
			return few*cols*(p.number-all[0].number) + p.steps*rans.States - row*cols
		})
		for i := range all {
			if n := min(few, all[i].Weights/cols-row); n > 0 {
				part := w.tile[few*cols*i:][:n*cols]
				all[i].Patch(s.Form, row*cols, part)
				product.Multiply(part, v, y[i*rows+row:], stride)
			}
		}
	}
}

// decode decodes the whole steps of blocks before one of them to the tile: those of the block that is at a place in the job at
// what to returns.
func (w *work) decode(all []progress, end int, to func(place int, p *progress) int) {
	var memory [states.Blocks]*progress
	for blocks := within(memory[:0], all, end); len(blocks) > 0; blocks = within(memory[:0], all, end) {
		job := &w.job.Job
		job.Steps = uint64(min(w.fill(blocks), end-blocks[0].steps))
		for i := range states.Blocks {
			job.Dst[i] = &w.tile[to(i, blocks[min(i, len(blocks)-1)])]
		}
		blocks[0].of.decoderOf(blocks)(job)
		w.take(blocks)
	}
}

// within appends those of all blocks that have whole steps left before one of them to blocks.
func within(blocks []*progress, all []progress, end int) []*progress {
	for i := range all {
		if p := &all[i]; p.left() > 0 && p.steps < end {
			blocks = append(blocks, p)
		}
	}
	return blocks
}
