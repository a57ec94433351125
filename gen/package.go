package gen

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
)

// scheme chooses the code books of models that have none yet.
const scheme = "model"

// A Model is what a kernel is generated from: the exponents of a model, and the code books where
// it is compressed already.
type Model struct {
	// Name names the model in the generated files.
	Name string
	// Units are the units with a code, in the order of the checkpoint.
	Units []Unit
	// Bare says that the units of the model are not known: Units holds one, everything.
	Bare bool
	// Real is the size of the DF11 tensors of a compressed model, nil for any other.
	Real *codebook.Size
	// Notes say what of the model was left out, a line each.
	Notes []string
}

// A Unit is what one stream covers.
type Unit struct {
	Name      string
	Histogram codebook.Histogram
	// Tensors is the number of tensors that the unit joins, 0 where it is not known.
	Tensors int
	// Book is the unit's code book in a compressed model, nil in any other.
	Book *codebook.Book
}

// A Plan is an emit.Plan and where it comes from.
type Plan struct {
	*emit.Plan
	// Source is the model planned for.
	Source *Model
	// Scheme is how the code books were chosen, empty where the model brought its own.
	Scheme string
	// Book[i] is the index in Books of the code book of Source.Units[i].
	Book []int
}

// Plan chooses the code books and sums up what the emitters need. Pkg is the name of the package to
// generate, see [PackageName].
func (m *Model) Plan(pkg string) (*Plan, error) {
	if len(m.Units) == 0 {
		return nil, fmt.Errorf("gen: %s has no unit with a code", m.Name)
	}
	p := &Plan{Source: m, Plan: &emit.Plan{Package: pkg, Model: m.Name}}
	if !m.Bare {
		p.Units = len(m.Units)
	}
	if err := p.assign(); err != nil {
		return nil, fmt.Errorf("gen: %s: %w", m.Name, err)
	}
	p.sortBooks()
	if err := p.sumUp(); err != nil {
		return nil, fmt.Errorf("gen: %s: %w", m.Name, err)
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("gen: %s: %w", m.Name, err)
	}
	return p, nil
}

// assign sets Histogram, Books and Book.
func (p *Plan) assign() error {
	compressed := 0
	histograms := make([]codebook.Histogram, len(p.Source.Units))
	for i, u := range p.Source.Units {
		if err := u.Histogram.Expressible(); err != nil {
			return fmt.Errorf("%s: %w", u.label(), err)
		}
		if u.Histogram.Total() == 0 {
			return fmt.Errorf("%s has no weights", u.label())
		}
		histograms[i] = u.Histogram
		p.Histogram.Add(&u.Histogram)
		if err := p.Histogram.Expressible(); err != nil {
			return fmt.Errorf("up to %s: %w", u.label(), err)
		}
		if u.Book != nil {
			compressed++
		}
	}
	switch compressed {
	case len(p.Source.Units):
		return p.adopt()
	case 0:
	default:
		return fmt.Errorf("%d of %d units have a code book", compressed, len(p.Source.Units))
	}
	s, err := codebook.SchemeByName(scheme)
	if err != nil {
		return err
	}
	a, err := s.Assign(histograms)
	if err != nil {
		return err
	}
	p.Scheme, p.Books, p.Book = s.Name(), a.Books, a.Unit
	return nil
}

// adopt takes over the code books of a compressed model, each once.
func (p *Plan) adopt() error {
	index := map[codebook.Fingerprint]int{}
	for _, u := range p.Source.Units {
		f := u.Book.Fingerprint()
		k, ok := index[f]
		if !ok {
			k = len(p.Books)
			index[f] = k
			p.Books = append(p.Books, u.Book)
		}
		p.Book = append(p.Book, k)
	}
	if len(p.Books) > emit.MaxBooks {
		return fmt.Errorf("%d different code books, a kernel is cut for at most %d: the table-driven decoders read this checkpoint without one; "+
			"for a kernel, compress the model with --codebook model", len(p.Books), emit.MaxBooks)
	}
	return nil
}

// sortBooks puts the book that codes the most weights first and drops those that code none, so that
// the plan does not depend on the order in which the units were met.
func (p *Plan) sortBooks() {
	weights := map[*codebook.Book]uint64{}
	for i, u := range p.Source.Units {
		weights[p.Books[p.Book[i]]] += u.Histogram.Total()
	}
	old := p.Books
	p.Books = slices.SortedFunc(maps.Keys(weights), func(a, b *codebook.Book) int {
		fa, fb := a.Fingerprint(), b.Fingerprint()
		return cmp.Or(cmp.Compare(weights[b], weights[a]), bytes.Compare(fa[:], fb[:]))
	})
	for i, k := range p.Book {
		p.Book[i] = slices.Index(p.Books, old[k])
	}
}

// sumUp sets Counts and Expected.
func (p *Plan) sumUp() error {
	p.Counts = make([]codebook.Histogram, len(p.Books))
	for i, u := range p.Source.Units {
		k := p.Book[i]
		p.Counts[k].Add(&u.Histogram)
		size, err := codebook.ExpectedSize(&u.Histogram, p.Books[k])
		if err != nil {
			return fmt.Errorf("%s: %w", u.label(), err)
		}
		if u.Tensors > 1 {
			size.SplitPositions = 8 * uint64(u.Tensors-1)
		}
		p.Expected.Add(&size)
	}
	return nil
}

// label names the unit in messages.
func (u *Unit) label() string {
	if u.Name == "" {
		return "the histogram"
	}
	return fmt.Sprintf("unit %q", u.Name)
}
