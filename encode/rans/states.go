package rans

import "github.com/seed54244801/bespoke/internal/states"

// wholeSteps codes the first steps of a block with the assembly. It returns false if there is none for this CPU.
func (e *Encoder) wholeSteps(w *work, steps int, plane, weights []byte) bool {
	encode := assembly(e.form)
	if encode == nil || steps == 0 {
		return false
	}
	w.job = states.EncodeJob{
		Tables: e.tables, Weights: &weights[0], Plane: &plane[0], Patched: &w.patched[0],
		Words: &w.words[0], Left: uint64(w.left), Steps: uint64(steps),
	}
	for i, x := range w.states {
		w.job.States[0][i], w.job.States[1][i] = uint16(x), uint16(x>>16)
	}
	encode(&w.job)
	for i := range w.states {
		w.states[i] = uint32(w.job.States[1][i])<<16 | uint32(w.job.States[0][i])
	}
	w.left, w.any = int(w.job.Left), w.any || w.job.AnyPatched != 0
	w.job = states.EncodeJob{} // without pointers
	return true
}
