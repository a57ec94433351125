package checkpoint

import (
	"errors"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// The kinds of input that [Inspect] takes.
const (
	KindModel     = "model"     // a Hugging Face folder or a safetensors file
	KindDF11      = "df11"      // a compressed checkpoint
	KindHistogram = "histogram" // exponent counts in JSON, as the JSON form of a Report has them
)

// Report is what [Inspect] finds. Its JSON form is stable: names may be added, none change. Read back
// by [Inspect], it stands for the model it was made from.
type Report struct {
	// Path is the path as given, Model the last element of it.
	Path  string `json:"path"`
	Model string `json:"model"`
	Kind  string `json:"kind"`
	// Tensors, Weights and Bytes count all tensors with their elements; for a DF11 checkpoint those of
	// the model it decodes to.
	Tensors int          `json:"tensors"`
	Weights uint64       `json:"weights"`
	Bytes   uint64       `json:"bytes"`
	DTypes  []DTypeCount `json:"dtypes"`
	// CodedWeights is the number of weights in units, the sum of Histogram.
	CodedWeights uint64 `json:"coded_weights"`
	// Histogram counts the exponents of all units: 256 numbers.
	Histogram codebook.Histogram `json:"histogram"`
	// Distinct is the number of exponents that occur, Entropy their information in bits a weight.
	Distinct int     `json:"distinct_exponents"`
	Entropy  float64 `json:"entropy"`
	// Patterns says where the division into units comes from.
	Patterns string       `json:"patterns,omitempty"`
	Units    []UnitReport `json:"units"`
	// Schemes holds the expected size for each way to choose code books.
	Schemes []SchemeReport `json:"schemes"`
	// Stored is the real size of a DF11 checkpoint, nil for other kinds.
	Stored *StoredReport `json:"stored,omitempty"`
	// Raw lists the tensors that are not coded.
	Raw []RawReport `json:"raw"`
	// Missing lists what a DF11 checkpoint seems to lack.
	Missing []model.Missing `json:"missing,omitempty"`
}

// UnitReport describes a unit.
type UnitReport struct {
	Name      string             `json:"name"`
	Tensors   []string           `json:"tensors,omitempty"`
	Weights   uint64             `json:"weights"`
	Entropy   float64            `json:"entropy"`
	Histogram codebook.Histogram `json:"histogram"`
	// Book is the fingerprint of the code book of a unit that is coded already.
	Book string `json:"book,omitempty"`
}

// SchemeReport is the expected size under one way to choose code books.
type SchemeReport struct {
	Name string `json:"name"`
	// Error says why the scheme cannot code this model; the other fields are 0 then.
	Error string `json:"error,omitempty"`
	// Books is the number of different code books, LongestCode the most bits any code has.
	Books       int `json:"books"`
	LongestCode int `json:"longest_code"`
	// CodedBytes is the size of the coded units, Bytes that of all tensors, raw ones included.
	CodedBytes uint64 `json:"coded_bytes"`
	Bytes      uint64 `json:"bytes"`
	// BitsPerWeight is the size of a coded weight, Percent the size of all tensors in percent of the
	// size they have uncoded.
	BitsPerWeight float64 `json:"bits_per_weight"`
	Percent       float64 `json:"percent"`
}

// StoredReport is the size of the tensors of a DF11 checkpoint by kind.
type StoredReport struct {
	codebook.Size
	Raw   uint64 `json:"raw"`
	Books int    `json:"books"`
	// BitsPerWeight and Percent are as in SchemeReport.
	BitsPerWeight float64 `json:"bits_per_weight"`
	Percent       float64 `json:"percent"`
}

// RawReport names a tensor that is not coded.
type RawReport struct {
	Name   string      `json:"name"`
	DType  model.DType `json:"dtype"`
	Shape  []uint64    `json:"shape"`
	Bytes  uint64      `json:"bytes"`
	Reason string      `json:"reason,omitempty"`
}

func rawReport(t *model.Tensor, reason string) RawReport {
	return RawReport{t.Name, t.DType, append([]uint64{}, t.Shape...), t.Size(), reason}
}

// newUnitReport describes a unit with histogram h.
func newUnitReport(name string, h *codebook.Histogram) UnitReport {
	return UnitReport{Name: name, Weights: h.Total(), Entropy: h.Entropy(), Histogram: *h}
}

// sumUp fills in what follows from the units.
func (r *Report) sumUp() {
	for i := range r.Units {
		r.Histogram.Add(&r.Units[i].Histogram)
	}
	r.CodedWeights = r.Histogram.Total()
	r.Distinct, r.Entropy = r.Histogram.Distinct(), r.Histogram.Entropy()
}

// expect fills in the sizes that units would have under each scheme, given what chooses the books.
func (r *Report) expect(units []unit, choose func(codebook.Scheme, []unit) (*assigned, error)) {
	r.Schemes = []SchemeReport{}
	if len(units) == 0 {
		return
	}
	for _, name := range Schemes() {
		s, err := r.expectScheme(name, units, choose)
		if err != nil {
			s = SchemeReport{Name: name, Error: err.Error()}
		}
		r.Schemes = append(r.Schemes, s)
	}
}

// batch is how many units are given code books at a time where each gets its own, so that the books of all are never
// in memory together.
const batch = 512

// expectScheme returns the size that units would have under one scheme.
func (r *Report) expectScheme(name string, units []unit, choose func(codebook.Scheme, []unit) (*assigned, error)) (SchemeReport, error) {
	s := SchemeReport{Name: name}
	together := len(units) // whose books depend on each other
	if name != Schemes()[0] {
		together = batch
	}
	var weights uint64
	books := map[codebook.Fingerprint]bool{}
	for part := range slices.Chunk(units, together) {
		a, err := choose(mustScheme(name), part)
		if err != nil {
			return s, err
		}
		size := a.total()
		weights += a.weights()
		s.CodedBytes += size.Total()
		s.LongestCode = max(s.LongestCode, a.longest())
		for _, b := range a.Books {
			books[b.Fingerprint()] = true
		}
	}
	if weights == 0 {
		return s, errors.New("nothing gains by it")
	}
	s.Books = len(books)
	s.Bytes = s.CodedBytes + r.Bytes - 2*weights
	s.BitsPerWeight, s.Percent = r.ratios(weights, s.CodedBytes, s.Bytes)
	return s, nil
}

// ratios returns bits a coded weight, and percent of the uncoded size.
func (r *Report) ratios(weights, coded, all uint64) (bitsPerWeight, percent float64) {
	return 8 * float64(coded) / float64(weights), 100 * float64(all) / float64(r.Bytes)
}

// distinctBooks counts the different books among books.
func distinctBooks(books []*codebook.Book) int {
	seen := map[codebook.Fingerprint]bool{}
	for _, b := range books {
		seen[b.Fingerprint()] = true
	}
	return len(seen)
}

// sizeOf returns the sizes of the tensors of a unit that joins a number of tensors.
func sizeOf(s *codebook.Stream, tensors int) codebook.Size {
	return codebook.Size{
		Luts: uint64(len(s.Luts)), Stream: uint64(len(s.Encoded)), SignMantissa: uint64(len(s.SignMantissa)),
		OutputPositions: uint64(len(s.OutputPositions)), Gaps: uint64(len(s.Gaps)), SplitPositions: 8 * uint64(tensors-1),
		Tiles: uint64(len(s.Tiles)),
	}
}
