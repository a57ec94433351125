package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/regular"
)

// maxHistogramFile bounds the size of a histogram in JSON.
const maxHistogramFile = 256 << 20

// histogramFile is the part of a report's JSON form that makes it a source of histograms. The manifest
// of a generated package has these members too.
type histogramFile struct {
	Model     string  `json:"model"`
	Histogram *counts `json:"histogram"`
	Units     []struct {
		Name      string  `json:"name"`
		Histogram *counts `json:"histogram"`
	} `json:"units"`
}

// counts is a histogram in JSON: an array of 256 counts or an object from exponent to count.
type counts codebook.Histogram

// UnmarshalJSON reads either form.
func (c *counts) UnmarshalJSON(text []byte) error {
	*c = counts{}
	if bytes.HasPrefix(text, []byte("[")) {
		var all []uint64
		if err := json.Unmarshal(text, &all); err != nil {
			return fmt.Errorf("want whole numbers from 0: %w", jsonedit.Explain(err))
		}
		if len(all) != len(c) {
			return fmt.Errorf("histogram of %d counts, want %d", len(all), len(c))
		}
		copy(c[:], all)
	} else {
		var some map[uint8]uint64
		if err := json.Unmarshal(text, &some); err != nil {
			return fmt.Errorf("want whole numbers from 0, by exponents from 0 to 255: %w", jsonedit.Explain(err))
		}
		for e, n := range some {
			c[e] = n
		}
	}
	h := codebook.Histogram(*c)
	return checkHistogram(&h)
}

// fromHistogram reads histograms from JSON: one for the whole model, or one a unit, or both, which must
// agree then.
func (r *Report) fromHistogram(path string) error {
	text, err := regular.Read(path, maxHistogramFile)
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
	var list []unit
	for _, u := range units {
		if u.Name == "" {
			u.Name = r.Model
		}
		r.Units = append(r.Units, u)
		r.Weights += u.Weights
		list = append(list, unit{name: u.Name, histogram: u.Histogram})
	}
	r.Bytes = 2 * r.Weights
	r.sumUp()
	r.expect(list, assign)
	return nil
}

// parseHistograms returns the units of a histogram file, one without a name where it has none, and the
// name of the model. Units without a histogram are passed over.
func parseHistograms(text []byte) (units []UnitReport, name string, err error) {
	var f histogramFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, "", jsonedit.Explain(err)
	}
	var sum codebook.Histogram
	for _, u := range f.Units {
		if u.Histogram == nil {
			continue
		}
		h := codebook.Histogram(*u.Histogram)
		sum.Add(&h)
		if err := checkHistogram(&sum); err != nil {
			return nil, "", err
		}
		units = append(units, newUnitReport(u.Name, h))
	}
	switch {
	case f.Histogram == nil && units == nil:
		return nil, "", fmt.Errorf(`neither "histogram" nor "units" with a "histogram"`)
	case f.Histogram == nil:
	case units == nil:
		units = append(units, newUnitReport("", codebook.Histogram(*f.Histogram)))
	case codebook.Histogram(*f.Histogram) != sum:
		return nil, "", fmt.Errorf("the histograms of %d units do not add up to that of the model", len(units))
	}
	return units, f.Model, nil
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
