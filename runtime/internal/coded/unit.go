package coded

import (
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// A Unit is what one stream of a checkpoint covers.
type Unit struct {
	Path string // of the file that it lies in
	Name string
	// Stream is as it lies in the file, but for the luts: those are a copy, of the code book where there is one.
	Stream codebook.Stream
	// Book is the code book, nil where the luts hold none: BookErr says why.
	Book    *codebook.Book
	BookErr error
	Tensors []Tensor // in the order of their weights
}

// A Tensor is where a tensor lies in its unit: the elements [From, To).
type Tensor struct {
	Name     string
	From, To int
	Sum      *Sum // nil where the checkpoint has none
}

// NewUnit reads the code book of a unit.
func NewUnit(f *model.Unit) *Unit {
	u := &Unit{Path: f.File, Name: f.Name, Stream: f.Stream}
	u.Stream.Luts = slices.Clone(f.Stream.Luts)
	if u.Book, u.BookErr = codebook.ParseLuts(u.Stream.Luts); u.BookErr == nil {
		// GPUs walk the tables, where what no code reaches could be taken for one: they get those of the book.
		u.Stream.Luts = u.Book.Luts()
	}
	for _, t := range f.Tensors {
		u.Tensors = append(u.Tensors, Tensor{Name: t.Name, From: t.Offset, To: t.Offset + t.Elements, Sum: NewSum(t.Sum)})
	}
	return u
}

// Elements is the number of weights.
func (u *Unit) Elements() int { return u.Stream.Elements() }

// Wrap names file and unit in an error.
func (u *Unit) Wrap(err error) error {
	return fmt.Errorf("runtime: %s: unit %q: %w", u.Path, u.Name, err)
}
