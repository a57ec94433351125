package coded

import (
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// A Unit is the weights of one stream of a checkpoint.
type Unit struct {
	Path string // the path of its file
	Name string
	// Stream is the stream in the file, but its luts are a copy. If there is a code book, they are the luts of the
	// book.
	Stream codebook.Stream
	// Book is the code book. If the luts hold none, it is nil, and BookErr says why.
	Book    *codebook.Book
	BookErr error
	Tensors []Tensor // in the order of their weights
}

// A Tensor is a tensor of a unit: the elements [From, To).
type Tensor struct {
	Name     string
	From, To int
	Sum      *Sum // nil if the checkpoint has none
}

// NewUnit reads the code book of a unit.
func NewUnit(f *model.Unit) *Unit {
	u := &Unit{Path: f.File, Name: f.Name, Stream: f.Stream}
	u.Stream.Luts = slices.Clone(f.Stream.Luts)
	if u.Book, u.BookErr = codebook.ParseLuts(u.Stream.Luts); u.BookErr == nil {
		// GPUs use the luts as they are, and entries that no code reaches could look like codes. The luts of the
		// book have no such entries.
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
