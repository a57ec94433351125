package checkpoint

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
)

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
	_, err = a.settle(ownBooks)
	return a, err
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

// units returns the units as they stand in the plan.
func (a *analysis) units() []unit {
	units := make([]unit, len(a.plan.Units))
	for i, u := range a.plan.Units {
		units[i] = unit{name: u.Name, splits: uint64(len(u.SplitPositions()))}
		for _, t := range u.Tensors {
			units[i].histogram.Add(a.tensors[t.Name])
		}
	}
	return units
}

// settle gives the units the code books of a scheme, and takes those apart that are no smaller coded than
// raw. The result is parallel to the units of the plan.
func (a *analysis) settle(scheme codebook.Scheme) (*assigned, error) {
	out, lost, err := settle(scheme, a.units())
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for _, u := range a.plan.Units {
		if reason, ok := lost[u.Name]; ok {
			for _, t := range u.Tensors {
				reasons[t.Name] = reason
			}
		}
	}
	return out, a.drop(reasons)
}

func (a *analysis) drop(reasons map[string]string) error {
	for name, reason := range reasons {
		if err := a.plan.Drop(name, reason); err != nil {
			return err
		}
	}
	return nil
}
