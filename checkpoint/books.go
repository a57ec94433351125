package checkpoint

import (
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
)

// Schemes returns the names of the ways to choose code books, the default first.
func Schemes() []string { return []string{"model", "unit", "published"} }

// ownBooks is the scheme by which units are judged before the books are chosen: none codes a unit better.
var ownBooks = mustScheme("unit")

func mustScheme(name string) codebook.Scheme {
	s, err := codebook.SchemeByName(name)
	if err != nil {
		panic(err) // a test assigns by all of them
	}
	return s
}

// unitOverhead is what a coded unit costs beside its tensors: the names, places and sums of six tensors in a
// header of their own, and once more the sums in the sidecar.
const unitOverhead = 2400

// A unit is what the choice of code books has to know of one.
type unit struct {
	name      string
	histogram *codebook.Histogram
	splits    uint64 // number of split positions
}

// An assigned scheme: code books and exact sizes for units.
type assigned struct {
	*codebook.Assignment
	units []unit
	sizes []codebook.Size // parallel to units
}

// total returns the bytes of all units.
func (a *assigned) total() (sum codebook.Size) {
	for i := range a.sizes {
		sum.Add(&a.sizes[i])
	}
	return sum
}

// weights returns the number of weights in all units.
func (a *assigned) weights() (n uint64) {
	for i := range a.units {
		n += a.units[i].histogram.Total()
	}
	return n
}

// longest returns the length of the longest code in any book.
func (a *assigned) longest() (bits int) {
	for _, b := range a.Books {
		bits = max(bits, b.MaxLength())
	}
	return bits
}

// assign gives all units the code books of a scheme.
func assign(scheme codebook.Scheme, units []unit) (*assigned, error) {
	histograms := make([]codebook.Histogram, len(units))
	for i := range units {
		histograms[i] = *units[i].histogram
	}
	books, err := scheme.Assign(histograms)
	if err != nil {
		for i := range units { // say which unit it is
			if _, err := scheme.Assign(histograms[i : i+1]); err != nil {
				return nil, fmt.Errorf("checkpoint: code book %q: unit %q: %w", scheme.Name(), units[i].name, innermost(err))
			}
		}
		return nil, fmt.Errorf("checkpoint: code book %q: %w", scheme.Name(), err)
	}
	out := &assigned{Assignment: books, units: units, sizes: make([]codebook.Size, len(units))}
	for i := range units {
		if out.sizes[i], err = codebook.ExpectedSize(&histograms[i], books.Books[books.Unit[i]]); err != nil {
			return nil, fmt.Errorf("checkpoint: code book %q: unit %q: %w", scheme.Name(), units[i].name, err)
		}
		out.sizes[i].SplitPositions = 8 * units[i].splits
	}
	return out, nil
}

// innermost unwraps the number that a scheme gives a unit from an error.
func innermost(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// settle is assign that leaves out the units which are no smaller coded than raw, until all that are left
// gain: without a unit, the books of the others change. The second result says why, by the names of the
// units left out.
func settle(scheme codebook.Scheme, units []unit) (*assigned, map[string]string, error) {
	lost := map[string]string{}
	for {
		out, err := assign(scheme, units)
		if err != nil {
			return nil, nil, err
		}
		var gaining []unit
		for i, u := range units {
			raw, coded := 2*u.histogram.Total(), out.sizes[i].Total()+unitOverhead
			if coded < raw {
				gaining = append(gaining, u)
			} else {
				lost[u.name] = fmt.Sprintf("no gain: the unit takes %d bytes coded, %d raw", coded, raw)
			}
		}
		if len(gaining) == len(units) {
			return out, lost, nil
		}
		units = gaining
	}
}
