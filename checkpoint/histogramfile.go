package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"slices"
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

// A histogramFile holds the histograms of a JSON file. The JSON form of a report has its members, and so has the
// manifest of a generated package.
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

// analyseHistogram analyses a JSON file. It holds a histogram of the whole model, or one for each unit, or both.
// If it holds both, they must agree.
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

// analysed returns the units of the file. The [Report] for a file without units has one unit, which is named after
// the model. Here that unit loses its name again.
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

// parseHistograms reads a histogram file. A file without units gives one unit without a name. Units without a
// histogram are ignored. Time and memory are a small multiple of the text.
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

// inMember adds the name of a member to an error, unless the error is that the text ends.
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

// Counts is a number for each exponent. As JSON it is an object without the zeros, in the order of
// the exponents: {"118": 52, "119": 17}. [Analyse] reads it.
type Counts [256]uint64

// MarshalJSON writes the object.
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

// sparseCounts is a histogram without its zeros, in the order of the exponents. It takes little more memory than
// its text.
type sparseCounts []count

type count struct {
	exponent uint8
	n        uint64
}

// addTo adds the counts to a histogram.
func (c sparseCounts) addTo(h *codebook.Histogram) {
	for _, e := range c {
		h[e.exponent] += e.n
	}
}

// dense returns the histogram with its zeros.
func (c sparseCounts) dense() *codebook.Histogram {
	var h codebook.Histogram
	c.addTo(&h)
	return &h
}

// sparse returns a histogram without its zeros.
func sparse(h *codebook.Histogram) sparseCounts {
	c := make(sparseCounts, 0, h.Distinct())
	for e, n := range h {
		if n > 0 {
			c = append(c, count{uint8(e), n})
		}
	}
	return slices.Clip(c)
}

// readCounts reads a histogram in either form: an array of 256 counts or an object from exponent to count. It returns
// nil for null.
func readCounts(d *json.Decoder) (sparseCounts, error) {
	begin, err := d.Token()
	if err != nil || begin == nil {
		return nil, err
	}
	if begin != json.Delim('{') && begin != json.Delim('[') {
		return nil, errors.New("want an array of 256 counts or an object from exponent to count")
	}
	var h codebook.Histogram
	var seen [len(h)]bool
	n := 0 // of counts
	for ; d.More(); n++ {
		exponent := n
		if begin == json.Delim('{') {
			if exponent, err = readExponent(d); err != nil {
				return nil, err
			}
			if seen[exponent] {
				return nil, fmt.Errorf("exponent %d twice", exponent)
			}
			seen[exponent] = true
		}
		count, err := readCount(d)
		if err != nil {
			return nil, err
		}
		if exponent < len(h) {
			h[exponent] = count
		}
	}
	if begin == json.Delim('[') && n != len(h) {
		return nil, fmt.Errorf("histogram of %d counts, want %d", n, len(h))
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	return sparse(&h), h.CheckTotal()
}

func readExponent(d *json.Decoder) (int, error) {
	t, err := d.Token()
	if err != nil {
		return 0, err
	}
	e, err := strconv.ParseUint(t.(string), 10, 8)
	if err != nil {
		return 0, fmt.Errorf("exponent %.20q, want whole numbers from 0 to 255", t)
	}
	return int(e), nil
}

func readCount(d *json.Decoder) (uint64, error) {
	var n number
	err := d.Decode(&n)
	return uint64(n), err
}

// A number is a count that is read without a copy of its text, because there may be millions.
type number uint64

func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("count %.20q, want whole numbers from 0 to 2^%d", text, bits.Len64(codebook.MaxTotal)-1)
	}
	*n = number(v)
	return nil
}
