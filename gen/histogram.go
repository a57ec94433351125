package gen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
)

// maxHistogramFile bounds the size of a histogram in JSON.
const maxHistogramFile = 256 << 20

// Counts is a histogram as JSON has it: an object from exponent to count without the zeros, in the
// order of the exponents: {"118": 52, "119": 17}. An array of 256 counts is read as well.
type Counts codebook.Histogram

// MarshalJSON writes the object form.
func (c Counts) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for exponent, n := range c {
		if n == 0 {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, `"%d":%d`, exponent, n)
	}
	return append(text, '}'), nil
}

// UnmarshalJSON reads either form.
func (c *Counts) UnmarshalJSON(text []byte) error {
	*c = Counts{}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		var all []uint64
		if err := json.Unmarshal(text, &all); err != nil {
			return err
		}
		if len(all) != len(c) {
			return fmt.Errorf("histogram of %d counts, want %d", len(all), len(c))
		}
		copy(c[:], all)
		return nil
	}
	return c.unmarshalObject(text)
}

// unmarshalObject reads the object key by key, so that an exponent given twice is found.
func (c *Counts) unmarshalObject(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("histogram: want an object or an array of %d counts", len(c))
	}
	var seen [len(c)]bool
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		exponent, err := strconv.ParseUint(key.(string), 10, 8)
		if err != nil {
			return fmt.Errorf("histogram: %q is not an exponent, want 0 to 255", key)
		}
		if seen[exponent] {
			return fmt.Errorf("histogram: exponent %d twice", exponent)
		}
		seen[exponent] = true
		value, err := dec.Token()
		if err != nil {
			return err
		}
		number, _ := value.(json.Number)
		n, err := strconv.ParseUint(number.String(), 10, 64)
		if err != nil {
			return fmt.Errorf("histogram: exponent %d occurs %v times, want a whole number from 0", exponent, value)
		}
		c[exponent] = n
	}
	return nil
}

// A HistogramFile describes a model by its exponents alone: a JSON object that a code book can be
// made from without the weights. Other members of the object are passed over, so that reports
// which contain these can be given as they are.
type HistogramFile struct {
	// Model names the model.
	Model string `json:"model"`
	// Histogram counts the exponents of all coded weights. It may be missing where Units are given.
	Histogram *Counts `json:"histogram,omitempty"`
	// Units, where known, let units that differ have code books of their own.
	Units []UnitCounts `json:"units,omitempty"`
}

// UnitCounts counts the exponents of one unit. An entry without a histogram is passed over.
type UnitCounts struct {
	Name      string  `json:"name"`
	Histogram *Counts `json:"histogram"`
}

// fromHistogramFile reads a model from a [HistogramFile]. The file names it where the text does not.
func fromHistogramFile(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("gen: %w", err)
	}
	if info.Size() > maxHistogramFile {
		return nil, fmt.Errorf("gen: %s: %d bytes, max %d", path, info.Size(), maxHistogramFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("gen: %w", err)
	}
	f, err := parseHistogram(text)
	if err != nil {
		return nil, fmt.Errorf("gen: %s: %w", path, err)
	}
	return f.model(strings.TrimSuffix(filepath.Base(path), ".json")), nil
}

// parseHistogram reads a [HistogramFile] and checks that it agrees with itself.
func parseHistogram(text []byte) (*HistogramFile, error) {
	var f HistogramFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	f.Units = slices.DeleteFunc(f.Units, func(u UnitCounts) bool { return u.Histogram == nil })
	if f.Histogram == nil && len(f.Units) == 0 {
		return nil, fmt.Errorf(`histogram: neither "histogram" nor "units" with a "histogram"`)
	}
	if f.Histogram == nil || len(f.Units) == 0 {
		return &f, nil
	}
	var sum codebook.Histogram
	for _, u := range f.Units {
		sum.Add((*codebook.Histogram)(u.Histogram))
	}
	if *f.Histogram != Counts(sum) {
		return nil, fmt.Errorf("histogram: those of the %d units do not add up to that of the model", len(f.Units))
	}
	return &f, nil
}

// model turns a parsed file into a model; name is for a file that names none.
func (f *HistogramFile) model(name string) *Model {
	m := &Model{Name: f.Model}
	if m.Name == "" {
		m.Name = name
	}
	if len(f.Units) == 0 {
		m.Bare = true
		m.Units = []Unit{{Histogram: codebook.Histogram(*f.Histogram)}}
		return m
	}
	for _, u := range f.Units {
		m.Units = append(m.Units, Unit{Name: u.Name, Histogram: codebook.Histogram(*u.Histogram)})
	}
	return m
}
