package checkpoint

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
)

// Schemes returns the names of the ways to choose code books, the default first.
func Schemes() []string { return []string{"model", "unit", "published"} }

// ownBooks is the scheme that decides which units can gain, before the books are chosen: no scheme makes a unit
// smaller.
var ownBooks = mustScheme("unit")

func mustScheme(name string) codebook.Scheme {
	s, err := codebook.SchemeByName(name)
	if err != nil {
		panic(err) // a test assigns by all of them
	}
	return s
}

// unitOverhead is what a coded unit costs beside its tensors, in bytes: a header with the names, places and sums
// of six tensors, and the same sums in the sidecar.
const unitOverhead = 2400

// assign gives all units the code books of a scheme, and their sizes under it.
func assign(scheme codebook.Scheme, units []AnalysedUnit) ([]AnalysedUnit, error) {
	histograms := make([]codebook.Histogram, len(units))
	for i := range units {
		histograms[i] = *units[i].Histogram
	}
	books, err := scheme.Assign(histograms)
	if err != nil {
		for i := range units { // say which unit it is
			if _, err := scheme.Assign(histograms[i : i+1]); err != nil {
				return nil, fmt.Errorf("checkpoint: code book %q: unit %q: %w", scheme.Name(), units[i].Name, innermost(err))
			}
		}
		return nil, fmt.Errorf("checkpoint: code book %q: %w", scheme.Name(), err)
	}
	assigned := slices.Clone(units)
	for i := range assigned {
		if err := assigned[i].take(books.Books[books.Unit[i]]); err != nil {
			return nil, fmt.Errorf("checkpoint: code book %q: unit %q: %w", scheme.Name(), units[i].Name, err)
		}
	}
	return assigned, nil
}

// take gives a unit its code book, and the size that it has with it.
func (u *AnalysedUnit) take(b *codebook.Book) (err error) {
	u.Book = b
	u.Size, err = codebook.ExpectedSize(u.Histogram, b)
	u.Size.SplitPositions = 8 * uint64(max(0, len(u.Tensors)-1))
	return err
}

// innermost removes the number of the unit, which a scheme puts in front of an error.
func innermost(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// settle is assign without the units that are no smaller coded than raw. It repeats until all remaining units
// gain, because the books of the others change when a unit is left out. The second result gives the reason for
// each unit that was left out, by name.
func settle(scheme codebook.Scheme, units []AnalysedUnit) ([]AnalysedUnit, map[string]string, error) {
	lost := map[string]string{}
	for {
		assigned, err := assign(scheme, units)
		if err != nil {
			return nil, nil, err
		}
		var gaining []AnalysedUnit
		for _, u := range assigned {
			raw, coded := 2*u.Weights(), u.Size.Total()+unitOverhead
			if coded < raw {
				gaining = append(gaining, u)
			} else {
				lost[u.Name] = fmt.Sprintf("no gain: the unit takes %d bytes coded, %d raw", coded, raw)
			}
		}
		if len(gaining) == len(assigned) {
			return assigned, lost, nil
		}
		units = gaining
	}
}

// adopt lets units keep the code books that they bring. Units with equal books get the same pointer.
func adopt(units []AnalysedUnit) ([]AnalysedUnit, error) {
	books := map[codebook.Fingerprint]*codebook.Book{}
	adopted := slices.Clone(units)
	for i := range adopted {
		u := &adopted[i]
		f := u.Book.Fingerprint()
		if books[f] == nil {
			books[f] = u.Book
		}
		if err := u.take(books[f]); err != nil {
			return nil, fmt.Errorf("unit %q: %w", u.Name, err)
		}
	}
	return adopted, nil
}

// A price is what units cost with their code books.
type price struct {
	books          map[codebook.Fingerprint]bool
	longest        int // bits of the longest code
	coded, weights uint64
}

// priceOf adds up units that have code books.
func priceOf(units []AnalysedUnit) *price {
	p := &price{books: map[codebook.Fingerprint]bool{}}
	p.add(units)
	return p
}

func (p *price) add(units []AnalysedUnit) {
	for i := range units {
		u := &units[i]
		p.books[u.Book.Fingerprint()] = true
		p.longest = max(p.longest, u.Book.MaxLength())
		p.coded += u.Size.Total()
		p.weights += u.Weights()
	}
}
