package rans

import (
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// cachedBytes is the largest size of weights that are written through the caches.
const cachedBytes = 1 << 20

// A family is assembly for CPUs with the same instructions.
type family struct {
	name string // AVX512 or AVX2
	// The decoders for each form: for blocks of one table, and for blocks of any tables.
	one, mixed [rans.Joint + 1]states.Decoder
	// multipliers decode and multiply. They are nil where there are none.
	multipliers [rans.Joint + 1]states.Multiplier
}

// A work is the working memory of a call of the assembly.
type work struct {
	job states.ProductJob
	// tails are the last words of blocks, and zeros behind them: the assembly wants more words than the last steps take.
	tails [states.Blocks][16 * states.StepWords]uint16
	// tile holds rows that are multiplied with several vectors.
	tile []uint16
}

var works = sync.Pool{New: func() any { return new(work) }}

// done returns a work to the pool, without pointers.
func (w *work) done() {
	w.job = states.ProductJob{}
	works.Put(w)
}

// tailWords is the number of words from which on the last words of a block are copied: all blocks of a job get there at
// about the same time, and then the rest is done in one call.
const tailWords = 8 * states.StepWords

// fill makes the job go on with blocks, and returns the number of steps that all of them have left. With fewer than
// states.Blocks the last one is there several times.
func (w *work) fill(blocks []*progress) int {
	job := &w.job.Job
	steps := blocks[0].Weights
	for i := range states.Blocks {
		p := blocks[min(i, len(blocks)-1)]
		job.Tables[i], job.States[i] = p.of.tables, p.states
		steps = min(steps, p.left())
		words := p.Words[2*p.used:]
		if len(words) > 2*tailWords {
			job.Words[i], job.Left[i] = unsafe.SliceData(words), uint64(len(words)/2)
		} else {
			tail := &w.tails[i]
			clear(tail[len(words)/2:])
			copy(unsafe.Slice((*byte)(unsafe.Pointer(tail)), len(words)), words)
			job.Words[i], job.Left[i] = (*byte)(unsafe.Pointer(tail)), uint64(len(tail))
		}
		job.Plane[i] = &p.Plane[p.of.Form.PlaneBytes(p.steps*rans.States)]
	}
	job.Steps = uint64(steps)
	return steps
}

// take moves blocks on as the job says.
func (w *work) take(blocks []*progress) {
	job := &w.job.Job
	for i, p := range blocks {
		p.steps += int(job.Done)
		p.used += int(job.Used[i])
		p.over = 2*p.used > len(p.Words)
		p.states = job.States[i]
	}
}

// unfinished appends those of all blocks that have whole steps left to blocks.
func unfinished(blocks []*progress, all []progress) []*progress {
	for i := range all {
		if all[i].left() > 0 {
			blocks = append(blocks, &all[i])
		}
	}
	return blocks
}

// sideBySide decodes all whole steps of blocks with the assembly, if there is any.
func (s *Stream) sideBySide(all []progress, through bool) {
	if s.one == nil {
		return
	}
	w := works.Get().(*work)
	defer w.done()
	var memory [states.Blocks]*progress
	for blocks := unfinished(memory[:0], all); len(blocks) > 0; blocks = unfinished(memory[:0], all) {
		w.fill(blocks)
		job := &w.job.Job
		job.Stream = 1
		for i := range states.Blocks {
			p := blocks[min(i, len(blocks)-1)]
			job.Dst[i] = &p.dst[p.steps*rans.States]
			if uintptr(unsafe.Pointer(job.Dst[i]))%64 != 0 || through {
				job.Stream = 0
			}
		}
		s.decoderOf(blocks)(job)
		w.take(blocks)
	}
}

// decoderOf returns the assembly for blocks.
func (s *Stream) decoderOf(blocks []*progress) states.Decoder {
	for _, p := range blocks {
		if p.of != s {
			return s.mixed
		}
	}
	return s.one
}

// familyOf returns a family of assembly. It is empty if the CPU cannot run it.
func familyOf(name string) family {
	for _, all := range families {
		if all.name == name {
			return all
		}
	}
	return family{}
}
