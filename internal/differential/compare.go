package differential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/out/shakespeare"
	"github.com/seed54244801/bespoke/out/tinyllama"
	"github.com/seed54244801/bespoke/runtime"
)

// Options are the options of [Decoders] and [CUDA].
type Options struct {
	// Seed chooses the weights, and the mutations if not all are tried.
	Seed uint64
	// First, Small and Large are the numbers of bits that are flipped, and of other mixtures of parts that are
	// tried: First for one unit of 300 weights, Small for other such units, Large for units of several chunks. 0
	// is for all of them.
	First, Small, Large int
	// Weights is the number of weights of the units of several chunks. 0 is for as many as all decoders need to
	// share them out among their strands, with any index.
	Weights int
}

// A Row counts what a decoder made of broken streams with an index. If avx512 is asked for, streams without gaps
// are decoded by avx2.
type Row struct {
	Decoder string         `json:"decoder"`
	Index   codebook.Index `json:"index"`
	// Streams is the number of streams that were tried. SameBytes is the number of those that it decoded to the
	// weights of the reference, SameError of those for which it had the error of the reference. Differing must be
	// 0.
	Streams   int `json:"streams"`
	SameBytes int `json:"same_bytes"`
	SameError int `json:"same_error"`
	Differing int `json:"differing"`
	// Left is the number of streams among SameBytes for which a CUDA kernel has a word of error. They contradict
	// an index that only GPUs read, and the runtime decodes them on the CPU.
	Left int `json:"left,omitempty"`
}

// A Report is the result of [Decoders].
type Report struct {
	Seed        uint64   `json:"seed"`
	Rows        []Row    `json:"rows"`
	Differences []string `json:"differences"` // the first ones of each row
}

// Differing returns the sum over all rows.
func (r *Report) Differing() (n int) {
	for _, row := range r.Rows {
		n += row.Differing
	}
	return n
}

// Decoders compares every decoder of this build and machine that needs no GPU with the reference in package
// codebook. The streams are sound but for one mutation. The weights must be the same, or the errors, except for
// the names of file and unit. Decoders returns early, with an error, if its context ends or if it cannot do its
// work.
func Decoders(ctx context.Context, opts Options) (*Report, error) {
	return differ(ctx, opts, (*comparison).decoders)
}

// CUDA is [Decoders] for the CUDA sources, run on the CPU. It needs a C++ compiler with sanitizers, and 10 ms or
// more for each stream.
func CUDA(ctx context.Context, opts Options) (*Report, error) {
	return differ(ctx, opts, (*comparison).kernels)
}

// A trial decodes mutations of a unit and counts the results.
type trial func(d *comparison, s *subject, index codebook.Index, all []mutation) error

func differ(ctx context.Context, opts Options, try trial) (*Report, error) {
	d := &comparison{
		ctx: ctx, try: try,
		random: rand.New(rand.NewPCG(opts.Seed, 0)),
		rows:   map[rowKey]*Row{}, cuda: map[string]*host.Kernel{},
		report: Report{Seed: opts.Seed, Differences: []string{}},
	}
	defer d.stop()
	for i, s := range subjects() {
		small := opts.Small
		if i == 0 {
			small = opts.First
		}
		if err := errors.Join(d.units(&s, s.small, small), d.units(&s, cmp.Or(opts.Weights, large), opts.Large)); err != nil {
			return nil, fmt.Errorf("differential: %s: %w", s.name, err)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(d.rows), rowKey.compare) {
		d.report.Rows = append(d.report.Rows, *d.rows[key])
	}
	return &d.report, nil
}

// A subject is a code book, with the kernel that is cut for it, if there is one.
type subject struct {
	name   string
	book   *codebook.Book
	kernel *runtime.Kernel
	small  int // the weights of its small unit
}

// subjects are books of all kinds. The subject with long codes has a small unit of two chunks.
func subjects() []subject {
	h := &codebook.Histogram{}
	steep := &codebook.Histogram{}
	for k := range 26 {
		h[97+k] = 1 << min(k, 40-k)
	}
	for k := range codebook.MaxLength + 1 {
		steep[90+k] = 1 << k
	}
	all := []subject{
		{name: "canonical", book: must(codebook.Canonical(h, codebook.TableBits)), small: 300},
		{name: "published", book: must(codebook.Published(h)), small: 300},
		{name: "long codes", book: must(codebook.Canonical(steep, codebook.MaxLength)), small: 1100},
	}
	for _, k := range []*runtime.Kernel{shakespeare.Kernel(), tinyllama.Kernel()} {
		all = append(all, subject{name: k.Name, book: k.Books[0], kernel: k, small: 300})
	}
	return all
}

// otherBook is a book that no subject has.
var otherBook = must(codebook.Canonical(&codebook.Histogram{100: 5, 118: 90, 119: 80, 120: 30, 121: 9, 239: 1}, 8))

func must(b *codebook.Book, err error) *codebook.Book {
	if err != nil {
		panic(err)
	}
	return b
}

// large is the number of weights of a unit of several chunks, unless the options say otherwise.
const large = 130_000

type comparison struct {
	ctx    context.Context
	try    trial
	random *rand.Rand
	rows   map[rowKey]*Row
	report Report
	cuda   map[string]*host.Kernel // by name
}

type rowKey struct {
	decoder string
	index   codebook.Index
}

func (k rowKey) compare(other rowKey) int {
	return cmp.Or(cmp.Compare(k.decoder, other.decoder), cmp.Compare(k.index, other.index))
}

// units tries mutations of units of n weights, one for each index.
func (d *comparison) units(s *subject, n, sample int) error {
	for i := range codebook.IndexNames() {
		index := codebook.Index(i)
		unit, others, err := d.draw(s, n, index)
		if err != nil {
			return err
		}
		if err := d.try(d, s, index, mutations(d.random, unit, others, sample)); err != nil {
			return err
		}
	}
	return nil
}

// draw returns a unit, and other units with as many weights to take parts from: one with the same code book, and
// one with another.
func (d *comparison) draw(s *subject, n int, index codebook.Index) (unit *codebook.Stream, others []mutation, err error) {
	for _, other := range []struct {
		name string
		book *codebook.Book
	}{{"another unit", s.book}, {"a unit with another book", otherBook}} {
		stream, err := codebook.EncodeIndexed(other.book, weights(d.random, other.book, n), index)
		if err != nil {
			return nil, nil, err
		}
		others = append(others, mutation{other.name, stream})
	}
	unit, err = codebook.EncodeIndexed(s.book, weights(d.random, s.book, n), index)
	return unit, others, err
}

// weights returns n weights. Their exponents are those of a book, each about as often as its code length says.
func weights(r *rand.Rand, b *codebook.Book, n int) []uint16 {
	all := make([]uint16, n)
	symbols := b.Symbols()
	for i := range all {
		symbol, length := b.Decode(r.Uint32())
		if length == 0 || r.IntN(20) == 0 {
			symbol = symbols[r.IntN(len(symbols))]
		}
		all[i] = codebook.Join(symbol, uint8(r.Uint32()))
	}
	return all
}

// mostDifferences is the largest number of differences of a row that are described.
const mostDifferences = 5

// count notes what a decoder made of a stream. difference says how that differs from the outcome; it is "" if it
// does not.
func (d *comparison) count(decoder string, index codebook.Index, s *subject, m *mutation, o *outcome, difference string) *Row {
	key := rowKey{decoder, index}
	row := d.rows[key]
	if row == nil {
		row = &Row{Decoder: decoder, Index: index}
		d.rows[key] = row
	}
	row.Streams++
	switch {
	case difference != "":
		if row.Differing++; row.Differing <= mostDifferences {
			d.report.Differences = append(d.report.Differences,
				fmt.Sprintf("%s, index %v, %s, %d weights, %s: %s", decoder, index, s.name, m.stream.Elements(), m.name, difference))
		}
	case o.sound():
		row.SameBytes++
	default:
		row.SameError++
	}
	return row
}
