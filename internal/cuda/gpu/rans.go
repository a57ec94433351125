//go:build cuda

package gpu

import (
	"context"
	"fmt"
	"slices"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/rans"
)

// A RansTensor is a tensor of a unit coded with rANS.
type RansTensor struct {
	Name   string
	From   int          // the element of the unit with which it starts
	Stream *rans.Stream // with sizes that are valid
}

// A RansLayout is a unit coded with rANS. It can be uploaded while it has its splits: see [RansLayout.SetSplits].
type RansLayout struct {
	Tensors
	steps     int          // of a split
	matrices  []ransMatrix // those of the same form follow one another
	forms     []ransForm
	described int // the number of what kernels that multiply are told of the matrices
	complete  bool
}

// A ransMatrix is a tensor and the numbers of what is uploaded of it.
type ransMatrix struct {
	RansTensor
	number                                         int // of the tensor in the unit
	table, index, blocks, plane, states, positions int
}

// A ransForm is the matrices [from, to), which one launch decodes.
type ransForm struct {
	rans.Form
	from, to int
}

// NewRansLayout lays out the tensors of a unit, with room for splits of a number of steps.
func NewRansLayout(name string, tensors []RansTensor, steps int) *RansLayout {
	l := &RansLayout{Tensors: Tensors{Name: name}, steps: steps}
	for i, t := range tensors {
		l.matrices = append(l.matrices, ransMatrix{RansTensor: t, number: i})
	}
	slices.SortStableFunc(l.matrices, func(a, b ransMatrix) int { return int(a.Stream.Form) - int(b.Stream.Form) })
	for i := range l.matrices {
		m := &l.matrices[i]
		s := m.Stream
		if n := len(l.forms); n == 0 || l.forms[n-1].Form != s.Form {
			l.forms = append(l.forms, ransForm{s.Form, i, i})
		}
		l.forms[len(l.forms)-1].to = i + 1
		n := s.SplitsOf(steps)
		m.table = l.add(nil, launch.RansTableBytes)
		m.index, m.blocks, m.plane = l.add(s.Index, len(s.Index)), l.add(s.Blocks, len(s.Blocks)), l.add(s.Plane, len(s.Plane))
		m.states, m.positions = l.add(nil, 4*rans.States*n), l.add(nil, 4*n)
	}
	l.described = l.add(nil, launch.RansMatrixBytes*len(l.matrices))
	return l
}

// Steps is the number of steps of the splits of the unit.
func (l *RansLayout) Steps() int { return l.steps }

// Complete reports whether the unit has its splits.
func (l *RansLayout) Complete() bool { return l.complete }

// SetSplits completes the unit with the splits of its tensors. It reads the tables of the streams, which have to be valid; if
// one cannot be read, the error is of package fault.
func (l *RansLayout) SetSplits(splits []*rans.Splits) error {
	return fault.Guard(func() error {
		for i := range l.matrices {
			m := &l.matrices[i]
			t, err := rans.ParseTable(m.Stream.Form, m.Stream.Table)
			if err != nil {
				return err
			}
			l.tensors[m.table] = launch.RansTable(m.Stream.Form, t.Alias())
			l.tensors[m.states], l.tensors[m.positions] = bytesOf(splits[m.number].States), bytesOf(splits[m.number].Positions)
		}
		l.complete = true
		return nil
	})
}

// DropSplits frees the memory of the splits. Copies of the unit in device memory keep them.
func (l *RansLayout) DropSplits() {
	l.complete = false
	for i := range l.matrices {
		l.tensors[l.matrices[i].states], l.tensors[l.matrices[i].positions] = nil, nil
	}
}

// bytesOf returns the memory of words. GPUs and their hosts store the low byte first.
func bytesOf(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}

// Entries names the kernels that decode the unit.
func (l *RansLayout) Entries() (all []string) {
	for _, f := range l.forms {
		all = append(all, launch.RansEntry(f.Form))
	}
	return all
}

// contents are the tensors with what kernels are told of matrices that they multiply with.
func (l *RansLayout) contents(at uint64) [][]byte {
	tensors := slices.Clone(l.tensors)
	tensors[l.described], _ = launch.RansMatrices(l.describe(at, 0, l.matrices))
	return tensors
}

// describe tells kernels of matrices. The unit lies at an address, its weights at another one.
func (l *RansLayout) describe(at, weights uint64, matrices []ransMatrix) (all []launch.RansMatrix) {
	for i := range matrices {
		m := &matrices[i]
		address := func(tensor int) uint64 { return at + uint64(l.offsets[tensor]) }
		d := launch.RansMatrix{
			Table: address(m.table), Index: address(m.index), Blocks: address(m.blocks), Plane: address(m.plane),
			States: address(m.states), Positions: address(m.positions), Outputs: weights + 2*uint64(m.From),
		}
		d.Describe(m.Stream, l.steps)
		all = append(all, d)
	}
	return all
}

// decode queues a launch for each form that the unit has.
func (l *RansLayout) decode(ctx context.Context, s *Slot, kernels Kernels, at uint64) error {
	err := s.clearWord(l.Name, func(word uint64) error { return l.fault(word, launch.RansEntry) })
	if err != nil {
		return err
	}
	type job struct {
		ransForm
		offset, blocks int
	}
	var all []byte
	var jobs []job
	for _, f := range l.forms {
		bytes, blocks := launch.RansMatrices(l.describe(at, uint64(s.Weights.Address), l.matrices[f.from:f.to]))
		if blocks > 0 {
			jobs = append(jobs, job{f, len(all), blocks})
			all = append(all, bytes...)
		}
	}
	if err := s.grow(&s.described, int64(len(all)), "what kernels are told of tensors"); err != nil {
		return err
	}
	if len(jobs) > 0 {
		if err := s.copy(ctx, l.Name, s.described.Address, all); err != nil {
			return err
		}
	}
	for _, j := range jobs {
		arguments := []uint64{uint64(s.described.Address) + uint64(j.offset), uint64(j.to - j.from), uint64(j.from), uint64(s.word.Address)}
		doing := fmt.Sprintf("decode unit %q, %d tensors of the form %v", l.Name, j.to-j.from, j.Form)
		if err := s.Device.launch(kernels[launch.RansEntry(j.Form)], doing, j.blocks, 0, s.stream, arguments); err != nil {
			return err
		}
	}
	return nil
}

// multiply queues a launch for each vector, and another one where rows go through several splits.
func (l *RansLayout) multiply(d *Device, kernels Kernels, at uint64, p *Product, word uint64, stream cu.Stream) error {
	if p.Rows == 0 || p.Columns == 0 {
		return p.clear(d, l.Name, stream)
	}
	i := slices.IndexFunc(l.matrices, func(m ransMatrix) bool { return m.From == p.First && m.Stream.Weights > 0 })
	m := &l.describe(at, 0, l.matrices[i:i+1])[0]
	form := l.matrices[i].Stream.Form
	multiply, join := kernels[launch.RansProductEntry(form)], kernels[launch.RansJoinEntry]
	cut := m.Cuts(p.Columns)
	parts, err := p.Parts.take(d, m.Splits(), cut, stream)
	if err != nil {
		return err
	}
	if word == 0 {
		word = p.Parts.word()
	}
	matrix := at + uint64(l.offsets[l.described]) + uint64(i*launch.RansMatrixBytes)
	doing := p.doing(l.Name)
	for v := range p.Batch {
		x, y := uint64(p.X)+uint64(2*v*p.Columns), uint64(p.Y)+uint64(4*v*p.Rows)
		if err := d.launch(multiply, doing, m.Grid(), 0, stream, []uint64{matrix, x, y, parts, uint64(p.Columns), uint64(i), word}); err != nil {
			return err
		}
		if !cut {
			continue
		}
		if err := d.launch(join, doing, m.JoinGrid(), 0, stream, []uint64{matrix, y, parts, uint64(p.Columns)}); err != nil {
			return err
		}
	}
	return p.Parts.give(d, cut, stream)
}

func (l *RansLayout) productFault(word uint64) error { return l.fault(word, launch.RansProductEntry) }

// fault reads an error word of the kernels that entry names.
func (l *RansLayout) fault(word uint64, entry func(rans.Form) string) error {
	fault, _ := launch.ParseRansError(word).(*launch.RansError)
	if fault == nil {
		return nil
	}
	m := &l.matrices[fault.Matrix]
	return fmt.Errorf("kernel %s: tensor %q, split %d: %v", entry(m.Stream.Form), m.Name, fault.Split, fault.Cause)
}
