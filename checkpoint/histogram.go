package checkpoint

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/seed54244801/bespoke/codebook"
)

// maxHistogramFile bounds the size of a histogram in JSON.
const maxHistogramFile = 256 << 20

// histogramFile is the part of a report's JSON form that makes it a source of histograms.
type histogramFile struct {
	Model     string             `json:"model"`
	Histogram []json.Number      `json:"histogram"`
	Units     []histogramSection `json:"units"`
}

type histogramSection struct {
	Name      string        `json:"name"`
	Histogram []json.Number `json:"histogram"`
}

// fromHistogram reads histograms from JSON: one for the whole model, or one a unit, or both, which must
// agree then.
func (r *Report) fromHistogram(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if info.Size() > maxHistogramFile {
		return fmt.Errorf("checkpoint: %s: %d bytes, max %d", path, info.Size(), maxHistogramFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	units, name, err := parseHistograms(text)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	if name != "" {
		r.Model = name
	}
	for _, u := range units {
		if u.Name == "" {
			u.Name = r.Model
		}
		r.Units = append(r.Units, u)
		r.Weights += u.Weights
	}
	r.Bytes = 2 * r.Weights
	r.finish(0)
	return nil
}

// parseHistograms returns the units of a histogram file, one without a name where it has none, and the
// name of the model.
func parseHistograms(text []byte) (units []UnitReport, name string, err error) {
	var f histogramFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, "", err
	}
	var sum, whole codebook.Histogram
	for i, section := range f.Units {
		h, err := parseHistogram(section.Histogram)
		if err != nil {
			return nil, "", fmt.Errorf("unit %d, %q: %w", i, section.Name, err)
		}
		sum.Add(&h)
		if err := checkHistogram(&sum); err != nil {
			return nil, "", err
		}
		units = append(units, newUnitReport(section.Name, h))
	}
	if f.Histogram == nil && units == nil {
		return nil, "", fmt.Errorf(`neither "histogram" nor "units"`)
	}
	if f.Histogram != nil {
		if whole, err = parseHistogram(f.Histogram); err != nil {
			return nil, "", err
		}
		if units == nil {
			units = append(units, newUnitReport("", whole))
		} else if whole != sum {
			return nil, "", fmt.Errorf("the histograms of %d units do not add up to the one of the model: %d weights, not %d", len(units), sum.Total(), whole.Total())
		}
	}
	return units, f.Model, nil
}

// parseHistogram reads 256 counts.
func parseHistogram(counts []json.Number) (h codebook.Histogram, err error) {
	if len(counts) != len(h) {
		return h, fmt.Errorf("histogram of %d counts, want %d", len(counts), len(h))
	}
	for i, n := range counts {
		if err := json.Unmarshal([]byte(n), &h[i]); err != nil {
			return h, fmt.Errorf("count %d is %s, want a whole number from 0", i, n)
		}
	}
	return h, checkHistogram(&h)
}

// checkHistogram refuses counts whose sum, times the bits of a weight, could overflow.
func checkHistogram(h *codebook.Histogram) error {
	const most = 1 << 56
	var total uint64
	for i, n := range h {
		if total += min(n, most); total > most || n > most {
			return fmt.Errorf("count %d: more than 2^56 weights in all", i)
		}
	}
	return nil
}
