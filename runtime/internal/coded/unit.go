package coded

import (
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// A Unit is weights of a checkpoint that are decoded together.
type Unit struct {
	Path string // the path of its file
	Name string
	// RANS holds the stream of each tensor of a unit that is coded with rANS. It is nil with DF11.
	RANS []*rans.Stream
	// Stream is the stream in the file of a unit coded with DF11, but its luts are a copy. If there is a code book, they
	// are the luts of the book.
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

// NewUnit returns a unit of a checkpoint. With DF11 it reads the code book.
func NewUnit(f *model.Unit) *Unit {
	u := &Unit{Path: f.File, Name: f.Name}
	if f.Codec != model.RANS {
		u.Stream = f.Stream
		u.Stream.Luts = slices.Clone(f.Stream.Luts)
		if u.Book, u.BookErr = codebook.ParseLuts(u.Stream.Luts); u.BookErr == nil {
			// GPUs use the luts as they are, and entries that no code reaches could look like codes. The luts of the
			// book have no such entries.
			u.Stream.Luts = u.Book.Luts()
		}
	}
	for _, t := range f.Tensors {
		if f.Codec == model.RANS {
			u.RANS = append(u.RANS, t.Coded)
		}
		u.Tensors = append(u.Tensors, Tensor{Name: t.Name, From: t.Offset, To: t.Offset + t.Elements, Sum: NewSum(t.Sum)})
	}
	return u
}

// Elements is the number of weights.
func (u *Unit) Elements() int {
	if u.RANS == nil {
		return u.Stream.Elements()
	}
	n := 0
	for _, s := range u.RANS {
		n += s.Weights
	}
	return n
}

// Wrap names file and unit in an error.
func (u *Unit) Wrap(err error) error {
	return fmt.Errorf("runtime: %s: unit %q: %w", u.Path, u.Name, err)
}
