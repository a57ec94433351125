package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/cpu"
	"github.com/seed54244801/bespoke/runtime/internal/cuda"
	"github.com/seed54244801/bespoke/runtime/internal/rans"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A Model is a DF11 checkpoint opened for decoding.
type Model struct {
	gate   gate
	open   context.Context // ended by Close
	finish context.CancelFunc
	close  func() error // closes the model once

	path    string
	file    *model.Container
	units   []*unit
	byName  map[string]*unit
	byCoded map[*coded.Unit]*unit
	tensors map[string]part       // coded tensors
	raw     map[string]*rawTensor // tensors that are not coded
	choice  Choice
	workers int
	checks  Checks    // 0 for none
	gpus    cuda.GPUs // nil if the CPU decodes
}

// A part is a tensor of a unit.
type part struct {
	unit   *unit
	number int
}

// Open opens a DF11 checkpoint, which is a folder or a single safetensors file, and chooses a decoder for it. It
// maps the files into memory. Close releases them.
//
// Open reads the code book of every unit, to compare it with those of the kernel. If a stream or a code book is
// broken, the error comes when its unit is decoded.
func Open(path string, opts ...Option) (*Model, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	file, err := model.OpenContainer(path)
	if err != nil {
		return nil, err
	}
	m, err := newModel(file, o)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return m, nil
}

// New is [Open] for a checkpoint that is open already, for example by model.OpenContainerPatterns. Close of the Model
// then closes the file. If New returns an error, the caller has to close the file.
func New(file *model.Container, opts ...Option) (*Model, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	return newModel(file, o)
}

// newModel is New with the options applied.
func newModel(file *model.Container, o *options) (m *Model, err error) {
	if file == nil {
		return nil, errors.New("runtime: the checkpoint is nil")
	}
	err = fault.Guard(func() (err error) {
		m, err = assemble(file, o)
		return err
	})
	if gone, ok := errors.AsType[*fault.Error](err); ok {
		return nil, fmt.Errorf("runtime: %s: %w", file.Path, gone)
	}
	return m, err
}

// assemble makes a Model of a file.
func assemble(file *model.Container, o *options) (*Model, error) {
	m := &Model{
		gate:    gate{empty: make(chan struct{})},
		path:    file.Path,
		file:    file,
		byName:  make(map[string]*unit),
		byCoded: make(map[*coded.Unit]*unit),
		tensors: make(map[string]part),
		raw:     make(map[string]*rawTensor),
		choice:  o.choice,
		workers: o.workers,
		checks:  o.checks,
	}
	m.open, m.finish = context.WithCancel(context.Background())
	m.close = sync.OnceValue(m.release)
	for _, f := range file.Units {
		m.add(f)
	}
	for _, t := range file.Rest {
		m.raw[t.Name] = newRawTensor(t, file.Sums)
	}
	if err := o.kernel.decodes(file.Codec()); err != nil {
		return nil, m.wrap(err)
	}
	if err := m.pickDecoders(o.kernel); err != nil {
		return nil, err
	}
	if m.choice.Name == CUDA {
		if err := m.accelerate(o); err != nil {
			return nil, err
		}
	}
	if file.Codec() == model.RANS {
		m.choice.free = false // which one is faster is measured with DF11
	}
	return m, nil
}

// add adds a unit of the file.
func (m *Model) add(f *model.Unit) {
	u := &unit{Unit: Unit{Name: f.Name, Elements: f.Elements()}, coded: coded.NewUnit(f)}
	if u.coded.Book != nil {
		u.Book = u.coded.Book.Fingerprint()
	}
	for i, t := range f.Tensors {
		u.Tensors = append(u.Tensors, Tensor{Name: t.Name, Elements: t.Elements, Shape: t.Shape, DType: model.BF16, Unit: u.Name})
		m.tensors[t.Name] = part{u, i}
	}
	m.units = append(m.units, u)
	m.byName[u.Name] = u
	m.byCoded[u.coded] = u
}

// pickDecoders gives every unit its decoder. If there is a kernel, it is the kernel's decoder for the unit's code
// book.
func (m *Model) pickDecoders(k *Kernel) error {
	choice := m.choice // or, for a GPU, the decoder that replaces it
	if choice.Name == CUDA {
		choice = bestOnCPU()
	}
	var matched []codebook.Fingerprint
	decoders := make(map[codebook.Fingerprint]func() cpu.Decoder)
	for _, u := range m.units {
		if u.coded.RANS != nil {
			u.cpu = rans.NewUnit(u.coded, choice.Name)
			continue
		}
		var cut kernel.WindowDecoder
		if k != nil && u.coded.BookErr == nil {
			i, err := m.match(k, u)
			if err != nil {
				return err
			}
			if len(k.AVX512) > 0 {
				cut = k.AVX512[i]
			}
			if !slices.Contains(matched, u.Book) {
				matched = append(matched, u.Book)
			}
		}
		if decoders[u.Book] == nil {
			decoders[u.Book] = sync.OnceValue(func() cpu.Decoder {
				return cpu.NewDecoder(u.coded.Book, choice.Name, cut, choice.free)
			})
		}
		u.cpu = cpu.NewUnit(u.coded, decoders[u.Book])
	}
	if k != nil {
		m.choice = m.choice.withKernel(k, matched)
	}
	return nil
}

// match returns the index of the code book of u in the kernel.
func (m *Model) match(k *Kernel, u *unit) (int, error) {
	mismatch := &MismatchError{Path: m.path, Unit: u.Name, Book: u.Book, Kernel: k.Name}
	for i, b := range k.Books {
		f := b.Fingerprint()
		if f == u.Book {
			return i, nil
		}
		mismatch.Books = append(mismatch.Books, f)
	}
	return 0, mismatch
}

// Close releases the files, and all memory of GPUs. It may be called at any time, also by visitors of
// [Model.DecodeUnits], but not by the function of [WithWarnings].
//
// Running calls end soon, with [ErrClosed] unless they are done before. Close waits for them, but not for
// visitors. Later calls fail with ErrClosed, except those of Units, Tensors, Sums and Decoder. A second Close
// waits for the first one and returns the same error.
func (m *Model) Close() error { return m.close() }

// release is Close when it is called for the first time.
func (m *Model) release() error {
	m.finish()
	m.gate.close()
	var gpus error
	if m.gpus != nil {
		gpus = m.gpus.Close()
	}
	if err := errors.Join(gpus, m.file.Close()); err != nil {
		return m.wrap(err)
	}
	return nil
}
