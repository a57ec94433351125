package checkpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
)

// unitOverhead is what a coded unit costs beside its tensors: the names and places of six tensors in a
// header of their own.
const unitOverhead = 640

// An analysis is a checkpoint divided into units, with the exponents of each counted.
type analysis struct {
	plan *model.Plan
	// tensors holds the histograms of all tensors that were in a unit at first, by name.
	tensors map[string]*codebook.Histogram
}

// analyse divides a checkpoint into units and counts their exponents. It takes out of the units what
// cannot be coded, for reasons that only the values show.
func analyse(ctx context.Context, c *model.Checkpoint, opts model.PlanOptions, p Progress) (*analysis, error) {
	plan, err := model.PlanUnits(c, opts)
	if err != nil {
		return nil, err
	}
	a := &analysis{plan: plan, tensors: map[string]*codebook.Histogram{}}
	if err := a.count(ctx, p); err != nil {
		return nil, err
	}
	if err := a.dropInexpressible(); err != nil {
		return nil, err
	}
	return a, a.dropLosing(ownBooks)
}

// count fills in the histograms.
func (a *analysis) count(ctx context.Context, p Progress) error {
	const piece = 64 << 20 // counted between two looks at the context
	var total uint64
	for _, u := range a.plan.Units {
		total += 2 * u.Elements()
	}
	p.Stage("counting exponents", int64(total), "")
	for _, u := range a.plan.Units {
		for _, t := range u.Tensors {
			sum := &codebook.Histogram{}
			a.tensors[t.Name] = sum
			for data := t.Bytes(); len(data) > 0; {
				if err := ctx.Err(); err != nil {
					return err
				}
				part := data[:min(len(data), piece)]
				data = data[len(part):]
				h := encode.Histogram([][]byte{part}, 0)
				sum.Add(&h)
				p.Advance(int64(len(part)))
			}
		}
	}
	return nil
}

// unit returns the histogram of a unit as it stands in the plan.
func (a *analysis) unit(u *model.PlanUnit) (h codebook.Histogram) {
	for _, t := range u.Tensors {
		h.Add(a.tensors[t.Name])
	}
	return h
}

// units returns the histograms of all units, parallel to plan.Units.
func (a *analysis) units() []codebook.Histogram {
	units := make([]codebook.Histogram, len(a.plan.Units))
	for i, u := range a.plan.Units {
		units[i] = a.unit(u)
	}
	return units
}

// dropInexpressible takes the tensors out of their units that hold exponents DF11 has no code for.
func (a *analysis) dropInexpressible() error {
	reasons := map[string]string{}
	for name, h := range a.tensors {
		var n uint64
		for _, count := range h[codebook.MaxSymbol+1:] {
			n += count
		}
		if n > 0 {
			reasons[name] = fmt.Sprintf("%d of %d weights are infinite, NaN or at least 2^113", n, h.Total())
		}
	}
	return a.drop(reasons)
}

// dropLosing takes the units apart that are no smaller coded than raw, given the books of a scheme, until
// all that are left gain.
func (a *analysis) dropLosing(scheme codebook.Scheme) error {
	for {
		assigned, err := a.assign(scheme)
		if err != nil {
			return err
		}
		reasons := map[string]string{}
		for i, u := range a.plan.Units {
			raw, coded := 2*u.Elements(), assigned.sizes[i].Total()+unitOverhead
			if coded < raw {
				continue
			}
			for _, t := range u.Tensors {
				reasons[t.Name] = fmt.Sprintf("no gain: the unit takes %d bytes coded, %d raw", coded, raw)
			}
		}
		if len(reasons) == 0 {
			return nil
		}
		if err := a.drop(reasons); err != nil {
			return err
		}
	}
}

func (a *analysis) drop(reasons map[string]string) error {
	for name, reason := range reasons {
		if err := a.plan.Drop(name, reason); err != nil {
			return err
		}
	}
	return nil
}

// An assigned scheme: code books and exact sizes for the units of an analysis.
type assigned struct {
	*codebook.Assignment
	sizes []codebook.Size // parallel to plan.Units
}

// total returns the bytes of all units.
func (a *assigned) total() (sum codebook.Size) {
	for i := range a.sizes {
		sum.Add(&a.sizes[i])
	}
	return sum
}

// longest returns the length of the longest code in any book.
func (a *assigned) longest() (bits int) {
	for _, b := range a.Books {
		bits = max(bits, b.MaxLength())
	}
	return bits
}

// assign gives the units the code books of a scheme.
func (a *analysis) assign(scheme codebook.Scheme) (*assigned, error) {
	names := make([]string, len(a.plan.Units))
	for i, u := range a.plan.Units {
		names[i] = u.Name
	}
	out, err := assign(scheme, names, a.units())
	if err != nil {
		return nil, err
	}
	for i, u := range a.plan.Units {
		out.sizes[i].SplitPositions = 8 * uint64(len(u.SplitPositions()))
	}
	return out, nil
}

// assign gives units the code books of a scheme. The sizes are without split positions.
func assign(scheme codebook.Scheme, names []string, units []codebook.Histogram) (*assigned, error) {
	books, err := scheme.Assign(units)
	if err != nil {
		for i := range units { // say which unit it is
			if _, err := scheme.Assign(units[i : i+1]); err != nil {
				return nil, fmt.Errorf("checkpoint: code book %q: unit %q: %w", scheme.Name(), names[i], innermost(err))
			}
		}
		return nil, fmt.Errorf("checkpoint: code book %q: %w", scheme.Name(), err)
	}
	out := &assigned{Assignment: books, sizes: make([]codebook.Size, len(units))}
	for i := range units {
		if out.sizes[i], err = codebook.ExpectedSize(&units[i], books.Books[books.Unit[i]]); err != nil {
			return nil, fmt.Errorf("checkpoint: code book %q: unit %q: %w", scheme.Name(), names[i], err)
		}
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

// ownBooks is the scheme by which units are judged before the books are chosen: none codes a unit better.
var ownBooks = mustScheme("unit")

// Schemes are the names of the ways to choose code books, the default first.
var Schemes = []string{"model", "unit", "published"}

func mustScheme(name string) codebook.Scheme {
	s, err := codebook.SchemeByName(name)
	if err != nil {
		panic(err) // a test assigns by all of them
	}
	return s
}
