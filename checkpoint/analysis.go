package checkpoint

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime"
)

// An Analysis is what there is to know of a model before anything is written for it: its units, the exponents of
// each, and the code books that code them. It does not change.
type Analysis struct {
	// Path is the path as given. Model is its last element, or the name that a file of histograms gives.
	Path, Model string
	// Kind is the kind of input: [KindModel], [KindDF11], [KindRANS] or [KindHistogram].
	Kind string
	// Patterns says where the division into units comes from.
	Patterns string
	// DTypes sums up all tensors; for a container those of the model it decodes to.
	DTypes []DTypeCount
	// Units holds the coded units, in the order of the checkpoint.
	Units []AnalysedUnit
	// Bare says that the units of the model are not known: Units holds one, everything, and it has the model's name.
	Bare bool
	// Scheme is how the code books were chosen: the first of [Schemes], or "" where the units bring their own.
	Scheme string
	// NoBooks says why the units have no code books. It is nil where they have.
	NoBooks error
	// Raw lists the tensors that are not coded.
	Raw []RawReport
	// Stored is the size of the units of a compressed checkpoint, nil for other kinds.
	Stored *UnitSize
	// RANS is the expected size with rANS of all tensors of a model. It is nil for other kinds.
	RANS *SchemeReport
	// Missing lists what a container seems to lack.
	Missing []model.Missing

	// candidates are the units that a scheme may code. prices holds what the units cost under the schemes that
	// were applied already, by name.
	candidates []AnalysedUnit
	prices     map[string]*price
}

// An AnalysedUnit is what is known of a unit.
type AnalysedUnit struct {
	// Name is the dotted path of the unit's module.
	Name string
	// Tensors names the tensors that the unit joins. It is nil where they are not known.
	Tensors []string
	// Histogram counts the exponents.
	Histogram *codebook.Histogram
	// Book is the unit's code book. Units with equal books have the same pointer.
	Book *codebook.Book
	// Size is the size in DF11 that the code book gives the unit.
	Size codebook.Size
	// RANS has for each of Tensors how it is coded, in a container that is coded with rANS. It is nil for other kinds.
	RANS []AnalysedTensor
}

// An AnalysedTensor is what is known of a tensor that is coded with rANS.
type AnalysedTensor struct {
	Weights uint64
	Form    rans.Form
	Table   *rans.Table
}

// Weights returns the number of weights in the unit.
func (u *AnalysedUnit) Weights() uint64 { return u.Histogram.Total() }

// AnalyseOptions are the options of [Analyse] and [Inspect]. The zero value is useful.
type AnalyseOptions struct {
	// Open says how a model is opened.
	Open model.OpenOptions
	// Partition says how the model is divided into units.
	Partition model.PartitionOptions
	// Progress follows the work; nil for none.
	Progress Progress
}

// Analyse counts the exponents of a model and chooses code books for its units. Path names a folder or a safetensors
// file, coded in DF11 or not, or a JSON file with a histogram:
//
//	{"model": "tiny", "histogram": {"118": 1205, "119": 3310}}
//
// The histogram may also be an array of 256 counts. The member "units" lists objects with a "name" and a
// "histogram"; then units that differ can get different code books. "kind" is that of a [Report]. Other members
// are ignored, so that the JSON form of a Report or the manifest of a generated package can be given as it is.
//
// The units of a DF11 checkpoint keep their code books. For all other input the first of [Schemes] chooses them.
func Analyse(ctx context.Context, path string, opts AnalyseOptions) (*Analysis, error) {
	kind, err := kindOf(path)
	if err != nil {
		return nil, err
	}
	p := orSilent(opts.Progress)
	defer p.Done()
	var a *Analysis
	switch kind {
	case KindHistogram:
		a, err = analyseHistogram(path)
	case KindDF11, KindRANS:
		a, err = analyseContainer(ctx, path, p)
	default:
		a, err = analyseModel(ctx, path, opts, p)
	}
	if err != nil {
		return nil, err
	}
	a.Path, a.Kind = path, kind
	return a, nil
}

// AnalyseUnits is [Analyse] for units whose exponents are counted already. It sets their sizes. Either all units
// have a code book, which they keep, or none has. Units without a name are named after the model. A single unit
// without a name stands for the whole model: the analysis is bare.
func AnalyseUnits(name string, units []AnalysedUnit) *Analysis {
	a := &Analysis{Model: name, Kind: KindHistogram, DTypes: []DTypeCount{}, Units: slices.Clone(units), Raw: []RawReport{}}
	a.Bare = len(units) == 1 && units[0].Name == ""
	for i := range a.Units {
		a.Units[i].Name = cmp.Or(a.Units[i].Name, name)
	}
	if assigned, err := a.chooseBooks(); err != nil {
		a.NoBooks = err
	} else {
		a.Units = assigned
	}
	a.candidates = a.Units
	return a
}

// chooseBooks gives the units code books: those that they bring, or those of the first scheme.
func (a *Analysis) chooseBooks() (assigned []AnalysedUnit, err error) {
	brought := 0
	for i := range a.Units {
		if a.Units[i].Book != nil {
			brought++
		}
	}
	switch {
	case len(a.Units) == 0:
		return a.Units, nil
	case brought == len(a.Units):
		return adopt(a.Units)
	case brought > 0:
		return nil, fmt.Errorf("%d of %d units have a code book", brought, len(a.Units))
	}
	a.Scheme = Schemes()[0]
	if assigned, err = assign(mustScheme(a.Scheme), a.Units); err == nil {
		a.prices = map[string]*price{a.Scheme: priceOf(assigned)}
	}
	return assigned, err
}

// modelName returns the last element of a path, without the extensions of the formats.
func modelName(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	name := filepath.Base(path)
	for _, suffix := range []string{model.WeightMapExtension, model.Extension, ".json"} {
		if stem, ok := strings.CutSuffix(name, suffix); ok && stem != "" {
			return stem
		}
	}
	return name
}

// analyseModel analyses a model that is not coded.
func analyseModel(ctx context.Context, path string, opts AnalyseOptions, p Progress) (a *Analysis, err error) {
	c, err := model.OpenWith(path, opts.Open)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	err = model.Guard(func() error {
		a, err = analyseTensors(ctx, c, modelName(path), opts.Partition, p)
		return err
	})
	return a, err
}

// analyseTensors is analyseModel for a model that is open.
func analyseTensors(ctx context.Context, c *model.Checkpoint, name string, opts model.PartitionOptions, p Progress) (*Analysis, error) {
	m, err := countModel(ctx, c, opts, false, p)
	if err != nil {
		return nil, err
	}
	size, err := expectRANS(m, c)
	if err != nil {
		return nil, err
	}
	if err := m.dropInexpressible(); err != nil {
		return nil, err
	}
	a := &Analysis{RANS: size, Model: name, Patterns: m.partition.Source, Scheme: Schemes()[0], Raw: []RawReport{}}
	var own *price
	if a.candidates, a.Units, own, err = m.choose(mustScheme(a.Scheme)); err != nil {
		return nil, err
	}
	a.prices = map[string]*price{ownBooks.Name(): own, a.Scheme: priceOf(a.Units)}
	var dtypes dtypeCounter
	for _, t := range c.Tensors {
		dtypes.add(t)
	}
	a.DTypes = dtypes.list()
	for _, raw := range m.partition.Raw {
		a.Raw = append(a.Raw, rawReport(raw.Tensor, raw.Reason))
	}
	return a, nil
}

// analyseContainer analyses a container.
func analyseContainer(ctx context.Context, path string, p Progress) (a *Analysis, err error) {
	d, m, err := openContainer(path, nil, []runtime.Option{runtime.WithChecks(runtime.CheckAlways)})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	err = model.Guard(func() error {
		a, err = analyseStreams(ctx, path, d, m, p)
		return err
	})
	return a, err
}

// analyseStreams is analyseContainer for a checkpoint that is open.
func analyseStreams(ctx context.Context, path string, d *model.Container, m *runtime.Model, p Progress) (*Analysis, error) {
	missing := findMissing(d)
	histograms, err := decodedHistograms(ctx, m, p)
	if err != nil {
		return nil, err
	}
	var dtypes dtypeCounter
	var stored UnitSize
	units := make([]AnalysedUnit, len(d.Units))
	for i, u := range d.Units {
		units[i] = AnalysedUnit{Name: u.Name, Histogram: histograms[u.Name]}
		for _, t := range u.Tensors {
			units[i].Tensors = append(units[i].Tensors, t.Name)
			dtypes.addCoded(uint64(t.Elements))
			if u.Codec == model.RANS {
				table, err := rans.ParseTable(t.Coded.Form, t.Coded.Table)
				if err != nil {
					return nil, fmt.Errorf("checkpoint: %s: tensor %q: %w", u.File, t.Name, err)
				}
				units[i].RANS = append(units[i].RANS, AnalysedTensor{uint64(t.Elements), t.Coded.Form, table})
			}
		}
		if u.Codec == model.DF11 {
			if units[i].Book, err = codebook.ParseLuts(u.Stream.Luts); err != nil {
				return nil, fmt.Errorf("checkpoint: %s: unit %q: %w", u.File, u.Name, err)
			}
		}
		size := sizeOf(u)
		stored.add(&size)
	}
	a := AnalyseUnits(modelName(path), units)
	a.Stored, a.Missing = &stored, missing
	for _, t := range d.Rest {
		dtypes.add(t)
		a.Raw = append(a.Raw, rawReport(t, ""))
	}
	a.DTypes = dtypes.list()
	return a, nil
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

// booksAtOnce is how many units get code books at a time, under a scheme that gives each unit its own. So the
// books of all units are never in memory together.
const booksAtOnce = 512

// price returns what the units cost under a scheme.
func (a *Analysis) price(name string) (*price, error) {
	if p := a.prices[name]; p != nil {
		return p, nil
	}
	if name == a.Scheme {
		return nil, a.NoBooks
	}
	together := booksAtOnce
	if name == Schemes()[0] {
		together = len(a.candidates) // their books depend on each other
	}
	all := priceOf(nil)
	for part := range slices.Chunk(a.candidates, together) {
		units, err := a.apply(mustScheme(name), part)
		if err != nil {
			return nil, err
		}
		all.add(units)
	}
	return all, nil
}

// apply gives units the code books of a scheme. For a model that is not coded yet, it leaves out the units that do
// not gain. The units of a DF11 checkpoint and of histograms all stay, whether they gain or not.
func (a *Analysis) apply(scheme codebook.Scheme, units []AnalysedUnit) (assigned []AnalysedUnit, err error) {
	if a.Kind == KindModel {
		assigned, _, err = settle(scheme, units)
		return assigned, err
	}
	return assign(scheme, units)
}
