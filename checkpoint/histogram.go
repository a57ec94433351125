package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// A histogramFile is the part of a report's JSON form that makes it a source of histograms. The manifest
// of a generated package has these members too.
type histogramFile struct {
	model     string
	histogram counts // nil where there is none
	units     []histogramUnit
}

type histogramUnit struct {
	name      string
	histogram counts
}

// counts is a histogram without its zeros, in the order of the exponents. Of a unit with few exponents it takes little
// more than the text.
type counts []count

type count struct {
	exponent uint8
	n        uint64
}

// addTo adds the counts to a histogram.
func (c counts) addTo(h *codebook.Histogram) {
	for _, e := range c {
		h[e.exponent] += e.n
	}
}

// dense returns the histogram with its zeros.
func (c counts) dense() *codebook.Histogram {
	var h codebook.Histogram
	c.addTo(&h)
	return &h
}

// fromHistogram reads histograms from JSON: one for the whole model, or one a unit, or both, which must
// agree then.
func (r *Report) fromHistogram(path string) error {
	file, size, err := regular.Open(path)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer file.Close()
	if size > maxHistogramFile {
		return fmt.Errorf("checkpoint: %w", &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%d bytes, max %d", size, maxHistogramFile)})
	}
	f, err := parseHistograms(io.LimitReader(file, maxHistogramFile))
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	if f.model != "" {
		r.Model = f.model
	}
	r.Units = make([]UnitReport, len(f.units))
	list := make([]unit, len(f.units))
	for i, u := range f.units {
		if u.name == "" {
			u.name = r.Model
		}
		r.Units[i] = newUnitReport(u.name, u.histogram.dense())
		r.Weights += r.Units[i].Weights
		list[i] = unit{name: u.name, histogram: &r.Units[i].Histogram}
	}
	r.Bytes = 2 * r.Weights
	r.sumUp()
	r.expect(list, assign)
	return nil
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
		if err := checkHistogram(&sum); err != nil {
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

// readCounts reads a histogram in either form: an array of 256 counts or an object from exponent to count. It returns
// nil for null.
func readCounts(d *json.Decoder) (counts, error) {
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
	return sparse(&h), checkHistogram(&h)
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

// A number is read without a copy of its text: there may be millions.
type number uint64

func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("count %.20q, want whole numbers from 0 to 2^56", text)
	}
	*n = number(v)
	return nil
}

// sparse returns a histogram without its zeros.
func sparse(h *codebook.Histogram) counts {
	c := make(counts, 0, h.Distinct())
	for e, n := range h {
		if n > 0 {
			c = append(c, count{uint8(e), n})
		}
	}
	return slices.Clip(c)
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
