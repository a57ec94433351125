package rans

import (
	"sync"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// cachedBytes is the largest size of weights that are written through the caches.
const cachedBytes = 1 << 20

var jobs = sync.Pool{New: func() any { return new(states.Job) }}

// sideBySide does as many steps of the blocks side by side as the assembly can.
func (s *Stream) sideBySide(all []progress) {
	decode := together(s.Form)
	if decode == nil || len(all) == 0 {
		return
	}
	job := jobs.Get().(*states.Job)
	defer jobs.Put(job)
	*job = states.Job{Tables: s.tables, Stream: 1, Steps: 1 << 62}
	for i := range states.Blocks {
		p := &all[min(i, len(all)-1)] // the last one several times
		for at, x := range p.states {
			job.States[i][0][at], job.States[i][1][at] = uint16(x), uint16(x>>16)
		}
		job.Steps = min(job.Steps, uint64(p.Weights/rans.States))
		job.Words[i], job.Plane[i], job.Dst[i] = unsafe.SliceData(p.Words), unsafe.SliceData(p.Plane), unsafe.SliceData(p.dst)
		job.Left[i] = uint64(len(p.Words) / 2)
		if uintptr(unsafe.Pointer(job.Dst[i]))%64 != 0 || 2*s.Weights <= cachedBytes {
			job.Stream = 0
		}
	}
	decode(job)
	for i := range all {
		p := &all[i]
		p.steps, p.used = int(job.Done), int(job.Used[i])
		for at := range p.states {
			p.states[at] = uint32(job.States[i][1][at])<<16 | uint32(job.States[i][0][at])
		}
	}
	*job = states.Job{}
}
