package gen

import (
	"context"
	"fmt"
	"strings"

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
}

// FromPath reads what a kernel is generated from. Path names a Hugging Face folder or safetensors
// file, a DF11 checkpoint, or a JSON file with histograms: a [HistogramFile], the JSON form of
// checkpoint.Report, or a [Manifest].
func FromPath(ctx context.Context, path string, opts ReadOptions) (*Model, error) {
	var m *Model
	var err error
	if strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, ".safetensors.index.json") {
		m, err = fromHistogramFile(path)
	} else {
		m, err = fromCheckpoint(ctx, path, opts)
	}
	if err != nil {
		return nil, err
	}
	if opts.Name != "" {
		m.Name = opts.Name
	}
	return m, nil
}

func fromCheckpoint(ctx context.Context, path string, opts ReadOptions) (*Model, error) {
	r, err := checkpoint.Inspect(ctx, path, checkpoint.InspectOptions{Plan: opts.Plan, Progress: opts.Progress})
	if err != nil {
		return nil, err
	}
	m := &Model{Name: r.Model}
	for _, u := range r.Units {
		m.Units = append(m.Units, Unit{Name: u.Name, Histogram: u.Histogram, Tensors: len(u.Tensors)})
	}
	if r.Stored != nil {
		m.Real = &r.Stored.Size
		return m, m.readBooks(path)
	}
	m.Notes = notCoded(r.Raw)
	return m, nil
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
