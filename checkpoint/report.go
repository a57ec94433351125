package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// The kinds of input that [Inspect] takes.
const (
	KindModel     = "model"     // a Hugging Face folder or a safetensors file
	KindDF11      = "df11"      // a checkpoint coded with DF11
	KindRANS      = "rans"      // a checkpoint coded with rANS
	KindHistogram = "histogram" // exponent counts in JSON, as the JSON form of a Report has them
)

// Report is what [Inspect] finds. Its JSON form is stable: names may be added, but none change. [Inspect] and
// [Analyse] take the JSON form in place of the model that it was made from.
type Report struct {
	// Path is the path as given, Model the last element of it.
	Path  string `json:"path"`
	Model string `json:"model"`
	Kind  string `json:"kind"`
	// Tensors, Weights and Bytes count all tensors with their elements; for a container those of
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
	// RANS is the expected size of a model with rANS, nil for other kinds.
	RANS *SchemeReport `json:"rans,omitempty"`
	// Stored is the real size of a compressed checkpoint, nil for other kinds.
	Stored *StoredReport `json:"stored,omitempty"`
	// Raw lists the tensors that are not coded.
	Raw []RawReport `json:"raw"`
	// Missing lists what a container seems to lack.
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

// StoredReport is the size of the tensors of a compressed checkpoint by kind.
type StoredReport struct {
	UnitSize
	Raw uint64 `json:"raw"`
	// Books is the number of different code books, or of tables with rANS.
	Books int `json:"books"`
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

// Inspect analyses a model as [Analyse] does, and says what compressing it would bring.
func Inspect(ctx context.Context, path string, opts AnalyseOptions) (*Report, error) {
	a, err := Analyse(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	return a.Report(), nil
}

// Report renders the analysis, and computes what the units cost under each scheme.
func (a *Analysis) Report() *Report {
	r := &Report{Path: a.Path, Model: a.Model, Kind: a.Kind, Patterns: a.Patterns, DTypes: a.DTypes, Units: []UnitReport{}, Raw: a.Raw, Missing: a.Missing}
	for i := range a.Units {
		u := &a.Units[i]
		report := UnitReport{Name: u.Name, Tensors: u.Tensors, Weights: u.Weights(), Entropy: u.Histogram.Entropy(), Histogram: *u.Histogram}
		if u.Book != nil && a.Kind == KindDF11 {
			report.Book = u.Book.Fingerprint().String()
		}
		r.Units = append(r.Units, report)
		r.Histogram.Add(u.Histogram)
	}
	r.CodedWeights = r.Histogram.Total()
	r.Distinct, r.Entropy = r.Histogram.Distinct(), r.Histogram.Entropy()
	if a.Kind == KindHistogram {
		r.Weights, r.Bytes = r.CodedWeights, 2*r.CodedWeights
	}
	for _, d := range a.DTypes {
		r.Tensors += d.Tensors
		r.Weights += d.Elements
		r.Bytes += d.Bytes
	}
	r.Schemes = []SchemeReport{}
	if len(a.candidates) > 0 {
		for _, name := range Schemes() {
			r.Schemes = append(r.Schemes, r.scheme(name, a))
		}
	}
	r.RANS = a.RANS
	if a.Stored != nil {
		r.Stored = r.stored(a)
	}
	return r
}

// scheme returns the size that the units of an analysis would have under a scheme.
func (r *Report) scheme(name string, a *Analysis) SchemeReport {
	p, err := a.price(name)
	if err == nil && p.weights == 0 {
		err = errors.New("nothing gains by it")
	}
	if err != nil {
		return SchemeReport{Name: name, Error: err.Error()}
	}
	s := SchemeReport{Name: name, Books: len(p.books), LongestCode: p.longest, CodedBytes: p.coded, Bytes: p.coded + r.Bytes - 2*p.weights}
	s.BitsPerWeight, s.Percent = r.ratios(p.weights, s.CodedBytes, s.Bytes)
	return s
}

// stored returns the size that the units of an analysis have.
func (r *Report) stored(a *Analysis) *StoredReport {
	s := &StoredReport{UnitSize: *a.Stored}
	if a.Kind == KindRANS {
		for i := range a.Units {
			s.Books += len(a.Units[i].Tensors)
		}
	} else {
		s.Books = len(priceOf(a.Units).books)
	}
	for i := range a.Raw {
		s.Raw += a.Raw[i].Bytes
	}
	s.BitsPerWeight, s.Percent = r.ratios(r.CodedWeights, s.UnitSize.Total(), s.UnitSize.Total()+s.Raw)
	return s
}

// ratios returns the bits of a coded weight, and the size of all tensors in percent of their uncoded size.
func (r *Report) ratios(weights, coded, all uint64) (bitsPerWeight, percent float64) {
	if weights == 0 || r.Bytes == 0 {
		return 0, 0
	}
	return 8 * float64(coded) / float64(weights), 100 * float64(all) / float64(r.Bytes)
}

// sizeOf returns the sizes of the tensors of a unit.
func sizeOf(u *model.Unit) (size UnitSize) {
	if u.Codec == model.RANS {
		for _, t := range u.Tensors {
			size.addTensor(&rans.Tensor{Stream: *t.Coded})
		}
		return size
	}
	s := &u.Stream
	size.Size = codebook.Size{
		Luts: uint64(len(s.Luts)), Stream: uint64(len(s.Encoded)), SignMantissa: uint64(len(s.SignMantissa)),
		OutputPositions: uint64(len(s.OutputPositions)), Gaps: uint64(len(s.Gaps)), SplitPositions: 8 * uint64(len(u.Tensors)-1),
		Tiles: uint64(len(s.Tiles)),
	}
	return size
}

// DTypeCount sums up the tensors of one dtype.
type DTypeCount struct {
	DType    model.DType `json:"dtype"`
	Tensors  int         `json:"tensors"`
	Elements uint64      `json:"elements"`
	Bytes    uint64      `json:"bytes"`
}

// dtypeCounter counts tensors by dtype.
type dtypeCounter map[model.DType]*DTypeCount

func (d *dtypeCounter) add(t *model.Tensor) {
	if *d == nil {
		*d = dtypeCounter{}
	}
	n := (*d)[t.DType]
	if n == nil {
		n = &DTypeCount{DType: t.DType}
		(*d)[t.DType] = n
	}
	n.Tensors++
	n.Elements += t.Elements()
	n.Bytes += t.Size()
}

// list returns the counts, the largest first. The result is never nil, so that it becomes an array in JSON.
func (d dtypeCounter) list() []DTypeCount {
	list := []DTypeCount{}
	for _, n := range d {
		list = append(list, *n)
	}
	slices.SortFunc(list, func(a, b DTypeCount) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.DType, b.DType))
	})
	return list
}

// addCoded counts a tensor that is a part of a coded unit.
func (d *dtypeCounter) addCoded(elements uint64) {
	t := &model.Tensor{DType: model.BF16, Shape: []uint64{elements}, End: 2 * elements}
	d.add(t)
}
