package checkpoint

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// An analysis is a checkpoint divided into units, with the exponents of each counted.
type analysis struct {
	plan *model.Plan
	// tensors holds the histograms of all tensors that were in a unit at first, by name.
	tensors map[string]*codebook.Histogram
	// Of the checkpoint's files, and of all its tensors by name, if wanted.
	sums       []model.FileSum
	tensorSums map[string]model.TensorSum
}

// analyse divides a checkpoint into units and counts their exponents. It takes out of the units what
// cannot be coded, for reasons that only the values show. Meanwhile it takes the sums if they are wanted: the bytes
// are at hand.
func analyse(ctx context.Context, c *model.Checkpoint, opts model.PlanOptions, sums bool, p Progress) (*analysis, error) {
	plan, err := model.PlanUnits(c, opts)
	if err != nil {
		return nil, err
	}
	a := &analysis{plan: plan, tensors: map[string]*codebook.Histogram{}}
	if err := a.count(ctx, c, sums, p); err != nil {
		return nil, err
	}
	if err := a.dropInexpressible(); err != nil {
		return nil, err
	}
	_, err = a.settle(ownBooks)
	return a, err
}

// count fills in the histograms, and the sums if they are wanted.
func (a *analysis) count(ctx context.Context, c *model.Checkpoint, sums bool, p Progress) error {
	for _, u := range a.plan.Units {
		for _, t := range u.Tensors {
			a.tensors[t.Name] = &codebook.Histogram{}
		}
	}
	var spans []span
	var files []*summed
	tensors := map[string]*model.TensorSummer{}
	for _, f := range c.Files {
		like := span{}
		if sums {
			like.file = &summed{}
			files = append(files, like.file)
			spans = cut(spans, f.Start(), like)
		}
		for _, t := range f.Tensors {
			like.counts = a.tensors[t.Name]
			if sums {
				like.tensor = model.NewTensorSummer(t.Size())
				tensors[t.Name] = like.tensor
			}
			if like.counts != nil || sums {
				spans = cut(spans, t.Bytes(), like)
			}
		}
	}
	var total int64
	for i := range spans {
		total += int64(len(spans[i].bytes))
	}
	p.Stage("counting exponents", total, "")
	if err := survey(ctx, spans, p); err != nil {
		return err
	}
	a.tensorSums = map[string]model.TensorSum{}
	for _, f := range files {
		a.sums = append(a.sums, f.sum.Sum())
	}
	for name, tensor := range tensors {
		a.tensorSums[name] = tensor.Sum()
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
	return a.plan.Drop(reasons)
}

// units returns the units as they stand in the plan.
func (a *analysis) units() []unit {
	units := make([]unit, len(a.plan.Units))
	for i, u := range a.plan.Units {
		units[i] = unit{u.Name, &codebook.Histogram{}, uint64(len(u.SplitPositions()))}
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
	return out, a.plan.Drop(reasons)
}
