package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/regular"
)

// The bounds of a histogram in JSON.
const (
	maxHistogramFile = 256 << 20 // bytes
	maxHistograms    = 1 << 15   // units with a histogram: twice as many as the experts of the largest models make
	maxName          = 4096      // bytes of a name
)

// A histogramFile is the part of a report's JSON form that makes it a source of histograms. The manifest
// of a generated package has these members too.
type histogramFile struct {
	model     string
	kind      string       // of the report's input
	histogram sparseCounts // nil where there is none
	units     []histogramUnit
}

type histogramUnit struct {
	name      string
	histogram sparseCounts
}

// analyseHistogram reads histograms from JSON: one for the whole model, or one a unit, or both, which must
// agree then.
func analyseHistogram(path string) (*Analysis, error) {
	file, size, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer file.Close()
	if size > maxHistogramFile {
		return nil, fmt.Errorf("checkpoint: %w", &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%d bytes, max %d", size, maxHistogramFile)})
	}
	f, err := parseHistograms(io.LimitReader(file, maxHistogramFile))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	if f.model == "" {
		f.model = modelName(path)
	}
	return AnalyseUnits(f.model, f.analysed()), nil
}

// analysed returns the units of the file. A [Report] on a file that tells no units has one that is named after the model:
// read back, it is without a name again.
func (f *histogramFile) analysed() []AnalysedUnit {
	units := make([]AnalysedUnit, len(f.units))
	for i, u := range f.units {
		units[i] = AnalysedUnit{Name: u.name, Histogram: u.histogram.dense()}
	}
	if len(units) == 1 && f.kind == KindHistogram && units[0].Name == f.model {
		units[0].Name = ""
	}
	return units
}

// parseHistograms reads a histogram file: the name of the model and its units, one without a name where there are
// none. Units without a histogram are passed over. What it takes is a small multiple of the text.
func parseHistograms(r io.Reader) (*histogramFile, error) {
	f := &histogramFile{}
	once := map[string]bool{}
	err := jsonedit.Stream(r, func(d *json.Decoder, name string) (err error) {
		switch name {
		case "model":
			f.model, err = jsonedit.String(d, maxName)
		case "kind":
			f.kind, err = jsonedit.String(d, maxName)
		case "histogram":
			f.histogram, err = readCounts(d)
		case "units":
			err = f.readUnits(d)
		default:
			return jsonedit.Skip(d)
		}
		if once[name] {
			return fmt.Errorf("two members %q", name)
		}
		once[name] = true
		return inMember(name, err)
	})
	if err != nil {
		return nil, err
	}
	var sum codebook.Histogram
	for _, u := range f.units {
		u.histogram.addTo(&sum)
		if err := sum.CheckTotal(); err != nil {
			return nil, err
		}
	}
	switch {
	case f.histogram == nil && f.units == nil:
		return nil, errors.New(`neither "histogram" nor "units" with a "histogram"`)
	case f.histogram == nil:
	case f.units == nil:
		f.units = []histogramUnit{{histogram: f.histogram}}
	case *f.histogram.dense() != sum:
		return nil, fmt.Errorf("the histograms of %d units do not add up to that of the model", len(f.units))
	}
	return f, nil
}

// inMember says in which member an error is. The end of the text is in none.
func inMember(name string, err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// readUnits reads the units that have a histogram.
func (f *histogramFile) readUnits(d *json.Decoder) error {
	at := -1
	return jsonedit.Array(d, func(d *json.Decoder) error {
		at++
		var u histogramUnit
		named := false
		err := jsonedit.Object(d, func(d *json.Decoder, name string) (err error) {
			switch name {
			case "name":
				if named {
					err = errors.New("two names")
				} else {
					u.name, err = jsonedit.String(d, maxName)
				}
				named = true
			case "histogram":
				if u.histogram == nil {
					u.histogram, err = readCounts(d)
				} else {
					err = errors.New("two histograms")
				}
			default:
				err = jsonedit.Skip(d)
			}
			return inMember(name, err)
		})
		switch {
		case err != nil:
			return inMember(strconv.Itoa(at), err)
		case u.histogram == nil:
			return nil
		case len(f.units) == maxHistograms:
			return fmt.Errorf("more than %d with a histogram, the most that are read", maxHistograms)
		}
		f.units = append(f.units, u)
		return nil
	})
}
