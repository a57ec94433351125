package rans

import "github.com/seed54244801/bespoke/internal/states"

// assembly codes whole steps of the blocks with the assembly, if the CPU can run any: as many blocks side by side as it can
// code, as many steps as all of these have left, and then those that one has more.
func (e *Encoder) assembly(blocks []*work) {
	encoders := encoders(e.form)
	for len(encoders) > 0 {
		left := unfinished(blocks)
		left = left[:min(len(left), len(encoders))]
		if len(left) == 0 {
			return
		}
		steps := left[0].steps
		for _, w := range left {
			steps = min(steps, w.steps)
		}
		job := states.EncodeJob{Tables: e.tables, Steps: uint64(steps)}
		for k, w := range left {
			w.fill(&job, k, e.form.PlaneBytes(stepBytes/2), w.steps-steps)
		}
		encoders[len(left)-1](&job)
		for k, w := range left {
			w.take(&job, k)
		}
	}
}

// unfinished returns the blocks that have steps left.
func unfinished(blocks []*work) (left []*work) {
	for _, w := range blocks {
		if w.steps > 0 {
			left = append(left, w)
		}
	}
	return left
}

// fill makes the job code the block from the given step on. It is number k of the job, and a step has planeBytes.
func (w *work) fill(job *states.EncodeJob, k, planeBytes, first int) {
	for i, x := range w.states {
		job.States[k][0][i], job.States[k][1][i] = uint16(x), uint16(x>>16)
	}
	job.Weights[k], job.Plane[k], job.Patched[k] = &w.weights[first*stepBytes], &w.plane[first*planeBytes], &w.patched[first]
	job.Words[k], job.Left[k] = &w.words[0], uint64(w.left)
}

// take moves the block on as the job says.
func (w *work) take(job *states.EncodeJob, k int) {
	for i := range w.states {
		w.states[i] = uint32(job.States[k][1][i])<<16 | uint32(job.States[k][0][i])
	}
	w.left, w.any = int(job.Left[k]), w.any || job.AnyPatched[k] != 0
	w.steps -= int(job.Steps)
}
