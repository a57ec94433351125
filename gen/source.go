package gen

import (
	"context"
	"fmt"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// ReadOptions are the options of FromPath. The zero value is useful.
type ReadOptions struct {
	// Name names the model; by default the last element of the path does, or the histogram file.
	Name string
	// Plan says how a model that is not compressed is divided into units.
	Plan model.PlanOptions
	// Progress follows the work; nil for none.
	Progress checkpoint.Progress
	// Open says how a model that is not compressed is opened.
	Open model.OpenOptions
	// Incomplete takes a DF11 checkpoint from which something seems to be missing.
	Incomplete bool
}

// FromPath reads what a kernel is generated from. Path names a Hugging Face folder or safetensors
// file, a DF11 checkpoint, or a JSON file with a histogram:
//
//	{"model": "tiny", "histogram": {"118": 1205, "119": 3310}}
//
// The histogram may be an array of 256 counts as well. Members "units", each with a "name" and a
// "histogram", let units that differ have code books of their own. Other members are passed over,
// so that the JSON form of checkpoint.Report or a [Manifest] can be given as it is.
func FromPath(ctx context.Context, path string, opts ReadOptions) (*Model, error) {
	r, err := checkpoint.Inspect(ctx, path, checkpoint.InspectOptions{Plan: opts.Plan, Open: opts.Open, Progress: opts.Progress})
	if err != nil {
		return nil, err
	}
	if len(r.Missing) > 0 && !opts.Incomplete {
		return nil, &model.MissingError{Path: path, List: r.Missing}
	}
	m := &Model{Name: r.Model, Notes: notCoded(r.Raw)}
	for _, u := range r.Units {
		m.Units = append(m.Units, Unit{Name: u.Name, Histogram: u.Histogram, Tensors: len(u.Tensors)})
	}
	switch r.Kind {
	case checkpoint.KindDF11:
		m.Real = &r.Stored.Size
		m.Notes = nil // what is not coded there was never a question
		if err := m.readBooks(path); err != nil {
			return nil, err
		}
	case checkpoint.KindHistogram:
		// A report calls what has no unit's name after the model.
		if len(m.Units) == 1 && m.Units[0].Name == r.Model {
			m.Bare = true
			m.Units[0].Name = ""
		}
	}
	if opts.Name != "" {
		m.Name = opts.Name
	}
	return m, nil
}

// readBooks sets the code book of every unit to that of the DF11 checkpoint at path.
func (m *Model) readBooks(path string) error {
	d, err := model.OpenDF11(path)
	if err != nil {
		return err
	}
	defer d.Close()
	for i := range m.Units {
		u := d.Unit(m.Units[i].Name)
		if u == nil {
			return fmt.Errorf("gen: %s: unit %q is gone", path, m.Units[i].Name)
		}
		if m.Units[i].Book, err = codebook.ParseLuts(u.Stream.Luts); err != nil {
			return fmt.Errorf("gen: %s: unit %q: %w", path, u.Name, err)
		}
	}
	return nil
}

// notCoded says which tensors are left out, a line for each reason.
func notCoded(raw []checkpoint.RawReport) []string {
	var reasons []string
	tensors := map[string][]string{}
	for _, r := range raw {
		if tensors[r.Reason] == nil {
			reasons = append(reasons, r.Reason)
		}
		tensors[r.Reason] = append(tensors[r.Reason], r.Name)
	}
	var notes []string
	for _, reason := range reasons {
		names := tensors[reason]
		which := names[0]
		if len(names) > 1 {
			which += fmt.Sprintf(" and %d more", len(names)-1)
		}
		notes = append(notes, fmt.Sprintf("not coded: %s: %s", which, reason))
	}
	return notes
}
