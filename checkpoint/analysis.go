package checkpoint

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// InspectOptions are the options of [Inspect]. The zero value is useful.
type InspectOptions struct {
	// Open says how a model is opened.
	Open model.OpenOptions
	// Plan says how the model is divided into units.
	Plan model.PlanOptions
	// Progress follows the work; nil for none.
	Progress Progress
}

// Inspect counts the exponents of a model and says what compressing it would bring. Path names a folder
// or a safetensors file, coded in DF11 or not, or a JSON file with a histogram, such as the JSON form of
// a [Report].
func Inspect(ctx context.Context, path string, opts InspectOptions) (*Report, error) {
	r := &Report{Path: path, Model: modelName(path), DTypes: []DTypeCount{}, Units: []UnitReport{}, Raw: []RawReport{}}
	kind, err := kindOf(path)
	if err != nil {
		return nil, err
	}
	r.Kind = kind
	p := orSilent(opts.Progress)
	defer p.Done()
	switch kind {
	case KindHistogram:
		err = r.fromHistogram(path)
	case KindDF11:
		err = r.fromDF11(ctx, path, p)
	default:
		err = r.fromModel(ctx, path, opts, p)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// modelName is the last element of a path, without the extensions of the formats.
func modelName(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	name := filepath.Base(path)
	for _, suffix := range []string{model.IndexExtension, model.Extension, ".json"} {
		if stem, ok := strings.CutSuffix(name, suffix); ok && stem != "" {
			return stem
		}
	}
	return name
}

func (r *Report) fromModel(ctx context.Context, path string, opts InspectOptions, p Progress) error {
	c, err := model.OpenWith(path, opts.Open)
	if err != nil {
		return err
	}
	defer c.Close()
	return model.Guard(func() error { return r.fromTensors(ctx, c, opts.Plan, p) })
}

// fromTensors is fromModel for a model that is open.
func (r *Report) fromTensors(ctx context.Context, c *model.Checkpoint, opts model.PlanOptions, p Progress) error {
	a, err := analyse(ctx, c, opts, false, p)
	if err != nil {
		return err
	}
	var dtypes dtypeCounter
	for _, t := range c.Tensors {
		dtypes.add(t)
	}
	r.countTensors(dtypes)
	r.Patterns = a.plan.Source
	// Each scheme may leave out other units; those that are listed are the default's.
	r.expect(a.units(), func(scheme codebook.Scheme, units []unit) (*assigned, error) {
		out, _, err := settle(scheme, units)
		return out, err
	})
	out, err := a.settle(mustScheme(Schemes()[0]))
	if err != nil {
		return err
	}
	r.Units = make([]UnitReport, 0, len(a.plan.Units))
	for i, u := range a.plan.Units {
		report := newUnitReport(u.Name, out.units[i].histogram)
		for _, t := range u.Tensors {
			report.Tensors = append(report.Tensors, t.Name)
		}
		r.Units = append(r.Units, report)
	}
	for _, raw := range a.plan.Raw {
		r.Raw = append(r.Raw, rawReport(raw.Tensor, raw.Reason))
	}
	r.sumUp()
	return nil
}

func (r *Report) countTensors(dtypes dtypeCounter) {
	r.DTypes = dtypes.list()
	for _, d := range r.DTypes {
		r.Tensors += d.Tensors
		r.Weights += d.Elements
		r.Bytes += d.Bytes
	}
}

func (r *Report) fromDF11(ctx context.Context, path string, p Progress) error {
	d, m, err := openDF11(path, nil, []runtime.Option{runtime.WithChecks(runtime.CheckAlways)})
	if err != nil {
		return err
	}
	defer m.Close()
	return model.Guard(func() error { return r.fromUnits(ctx, d, m, p) })
}

// fromUnits is fromDF11 for a checkpoint that is open.
func (r *Report) fromUnits(ctx context.Context, d *model.DF11, m *runtime.Model, p Progress) error {
	r.Missing = findMissing(d)
	histograms, err := decodedHistograms(ctx, m, p)
	if err != nil {
		return err
	}
	var dtypes dtypeCounter
	stored := StoredReport{}
	units := make([]unit, 0, len(d.Units))
	r.Units = make([]UnitReport, 0, len(d.Units))
	books := map[string]bool{}
	for _, u := range d.Units {
		report := newUnitReport(u.Name, histograms[u.Name])
		for _, t := range u.Tensors {
			report.Tensors = append(report.Tensors, t.Name)
			dtypes.addCoded(uint64(t.Elements))
		}
		book, err := codebook.ParseLuts(u.Stream.Luts)
		if err != nil {
			return fmt.Errorf("checkpoint: %s: unit %q: %w", u.File, u.Name, err)
		}
		report.Book = book.Fingerprint().String()
		books[report.Book] = true
		r.Units = append(r.Units, report)
		units = append(units, unit{u.Name, histograms[u.Name], uint64(len(u.Tensors) - 1)})
		size := sizeOf(&u.Stream, len(u.Tensors))
		stored.Size.Add(&size)
	}
	for _, t := range d.Rest {
		dtypes.add(t)
		r.Raw = append(r.Raw, rawReport(t, ""))
		stored.Raw += t.Size()
	}
	r.countTensors(dtypes)
	r.sumUp()
	r.expect(units, assign)
	stored.Books = len(books)
	stored.BitsPerWeight, stored.Percent = r.ratios(r.CodedWeights, stored.Size.Total(), stored.Size.Total()+stored.Raw)
	r.Stored = &stored
	return nil
}

// decodedHistograms counts the exponents of every unit, by name.
func decodedHistograms(ctx context.Context, m *runtime.Model, p Progress) (map[string]*codebook.Histogram, error) {
	var elements int64
	for _, u := range m.Units() {
		elements += int64(u.Elements)
	}
	p.Stage("decoding", 2*elements, "")
	histograms := map[string]*codebook.Histogram{}
	err := m.DecodeAll(ctx, func(u runtime.Unit, weights []uint16) error {
		var h codebook.Histogram
		h.Count(weights)
		histograms[u.Name] = &h
		p.Advance(2 * int64(len(weights)))
		return nil
	})
	return histograms, err
}
