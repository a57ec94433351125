package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/seed54244801/bespoke/codebook"
)

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

// sparseCounts is a histogram without its zeros, in the order of the exponents. Of a unit with few exponents it takes little
// more than the text.
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

// A number is read without a copy of its text: there may be millions.
type number uint64

func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("count %.20q, want whole numbers from 0 to 2^%d", text, bits.Len64(codebook.MaxTotal)-1)
	}
	*n = number(v)
	return nil
}
