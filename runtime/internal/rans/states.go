package rans

import (
	"encoding/binary"
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// cachedBytes is the largest size of weights that are written through the caches.
const cachedBytes = 1 << 20

// A family is assembly for CPUs with the same instructions: a decoder for each form.
type family struct {
	name     string // AVX512 or AVX2
	decoders [rans.Joint + 1]states.Decoder
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

// fill makes the job go on with blocks, and returns the number of steps that all of them have left. With fewer than
// states.Blocks the last one is there several times.
func (w *work) fill(s *Stream, blocks []*progress) int {
	job := &w.job.Job
	job.Tables = s.tables
	steps := blocks[0].Weights
	for i := range states.Blocks {
		p := blocks[min(i, len(blocks)-1)]
		for at, x := range p.states {
			job.States[i][0][at], job.States[i][1][at] = uint16(x), uint16(x>>16)
		}
		steps = min(steps, p.left())
		words := p.Words[2*p.used:]
		if len(words) >= 2*(states.StepWords+states.ReserveWords) {
			job.Words[i], job.Left[i] = unsafe.SliceData(words), uint64(len(words)/2)
		} else {
			tail := &w.tails[i]
			*tail = [len(tail)]uint16{}
			for at := range len(words) / 2 {
				tail[at] = binary.LittleEndian.Uint16(words[2*at:])
			}
			job.Words[i], job.Left[i] = (*byte)(unsafe.Pointer(tail)), uint64(len(tail))
		}
		job.Plane[i] = &p.Plane[s.Form.PlaneBytes(p.steps*rans.States)]
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
		p.ended = 2*p.used > len(p.Words)
		for at := range p.states {
			p.states[at] = uint32(job.States[i][1][at])<<16 | uint32(job.States[i][0][at])
		}
	}
}

// left returns the number of whole steps of a block that are left.
func (p *progress) left() int {
	if p.ended {
		return 0
	}
	return p.Weights/rans.States - p.steps
}

// unfinished returns the blocks that have whole steps left.
func unfinished(all []progress) (blocks []*progress) {
	for i := range all {
		if all[i].left() > 0 {
			blocks = append(blocks, &all[i])
		}
	}
	return blocks
}

// sideBySide decodes all whole steps of blocks with the assembly, if there is any.
func (s *Stream) sideBySide(all []progress, through bool) {
	if s.together == nil {
		return
	}
	w := works.Get().(*work)
	defer w.done()
	for blocks := unfinished(all); len(blocks) > 0; blocks = unfinished(all) {
		w.fill(s, blocks)
		job := &w.job.Job
		job.Stream = 1
		for i := range states.Blocks {
			p := blocks[min(i, len(blocks)-1)]
			job.Dst[i] = &p.dst[p.steps*rans.States]
			if uintptr(unsafe.Pointer(job.Dst[i]))%64 != 0 || through {
				job.Stream = 0
			}
		}
		s.together(job)
		w.take(blocks)
	}
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
