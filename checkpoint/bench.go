package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	goruntime "runtime"
	"slices"
	"sync"
	"time"

	"github.com/seed54244801/bespoke/internal/measure"
	"github.com/seed54244801/bespoke/internal/roofline"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// BenchOptions are the options of [Bench]. The zero value is useful.
type BenchOptions struct {
	// Decoders are the decoders to measure. If it is empty, all available ones are measured.
	Decoders []string
	// Threads are the numbers of threads to measure with. If it is empty, they are 1 and GOMAXPROCS.
	Threads []int
	// Time is the least time to spend on each decoder with each number of threads, a second if 0.
	Time time.Duration
	// Progress follows the work; nil for none.
	Progress Progress
}

// BenchReport is what [Bench] measured. Its JSON form is stable.
type BenchReport struct {
	DF11    string        `json:"df11"`
	Weights uint64        `json:"weights"`
	Units   int           `json:"units"`
	Results []BenchResult `json:"results"`
	// Missing lists what the checkpoint seems to lack.
	Missing []model.Missing `json:"missing,omitempty"`
}

// BenchResult is a decoder with a number of threads. Figures are medians over rounds. In each round copying,
// moving and every decoder take turns on the same weights, a piece of the checkpoint. Ratios compare two rates of
// the same round. The memory that is written was used before, and successive turns write to different memory. A
// checkpoint that fits into the caches is measured in them.
type BenchResult struct {
	Decoder string `json:"decoder"`
	Threads int    `json:"threads"`
	Rounds  int    `json:"rounds"`
	// Rate is in thousand million weights a second.
	Rate float64 `json:"gweights_per_second"`
	// Memcpy is the rate at which the same threads copy as many words, MemcpyRatio the part of it that
	// the decoder reaches.
	Memcpy      float64 `json:"memcpy_gweights_per_second"`
	MemcpyRatio float64 `json:"memcpy_ratio"`
	// Roofline is the rate at which the same threads only move about the bytes that a decoder of either codec has to move: they
	// read 1.34 bytes and write 2 for each weight. RooflineRatio is the part of it that the decoder reaches.
	Roofline      float64 `json:"roofline_gweights_per_second"`
	RooflineRatio float64 `json:"roofline_ratio"`
	// Quiet holds the same for the rounds that nothing else on the machine seemed to disturb.
	Quiet BenchQuiet `json:"quiet"`
}

// BenchQuiet is the part of a [BenchResult] that comes from quiet rounds, all zeros if there were none. A round is
// quiet when a computation took about its shortest time both before and after the decoder's turn. Ratios compare
// with the nearest quiet turn of memcpy or roofline; they are 0 if there was none.
type BenchQuiet struct {
	Rounds        int     `json:"rounds"`
	Rate          float64 `json:"gweights_per_second"`
	MemcpyRatio   float64 `json:"memcpy_ratio"`
	RooflineRatio float64 `json:"roofline_ratio"`
}

// Bench measures how fast the decoders decode a checkpoint in DF11 or rANS.
func Bench(ctx context.Context, path string, opts BenchOptions) (*BenchReport, error) {
	decoders, err := benchDecoders(opts.Decoders)
	if err != nil {
		return nil, err
	}
	threads := opts.Threads
	if len(threads) == 0 {
		threads = slices.Compact([]int{1, goruntime.GOMAXPROCS(0)})
	}
	if opts.Time == 0 {
		opts.Time = time.Second
	}
	for _, n := range threads {
		if n < 1 {
			return nil, fmt.Errorf("checkpoint: %d threads, want at least 1", n)
		}
	}
	p := orSilent(opts.Progress)
	defer p.Done()
	b := bench{ctx: ctx, path: path, time: opts.Time}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	p.Stage("measuring", int64(len(threads)), "numbers of threads")
	report := &BenchReport{DF11: path, Weights: b.weights, Units: b.units, Results: []BenchResult{}, Missing: b.missing}
	for _, n := range threads {
		results, err := b.measure(decoders, n)
		if err != nil {
			return nil, err
		}
		report.Results = append(report.Results, results...)
		p.Advance(1)
	}
	if err := ctx.Err(); err != nil { // after the last look of what measures
		return nil, err
	}
	return report, nil
}

// benchDecoders returns the decoders to measure: those that were asked for, available or not, or else all that are
// available.
func benchDecoders(names []string) ([]string, error) {
	if len(names) > 0 {
		for _, name := range names {
			if name == runtime.Auto {
				return nil, fmt.Errorf("checkpoint: %q is not a decoder to measure: name one", name)
			}
		}
		return names, nil
	}
	for _, d := range runtime.Available() {
		if d.Available {
			names = append(names, d.Name)
		}
	}
	return names, nil
}

const (
	// benchPieceWeights is the least number of weights that a round decodes, if there are so many. That takes some
	// milliseconds, so that the machine hardly changes during a round.
	benchPieceWeights = 4 << 20
	// benchMemory is the number of words that all contenders write to in turn: 128 MiB, more than most caches.
	benchMemory = 64 << 20
	// benchRounds is the least number of rounds. Every second round waits for a quiet moment.
	benchRounds = 22
)

// bench is one call of [Bench].
type bench struct {
	ctx  context.Context
	path string
	time time.Duration

	units   int
	weights uint64
	missing []model.Missing
	pieces  []benchPiece

	memory []uint16 // written to, in turn
	next   int      // where in it the next turn writes
	source []uint16 // what is copied
	bytes  []byte   // what the roofline reads: 1.34 for each word of memory
}

// benchPiece are units that one round decodes, one after the other.
type benchPiece struct {
	names []string
	sizes []int
	words int
}

// prepare lists the units and gets the memory.
func (b *bench) prepare() error {
	d, m, err := openContainer(b.path, nil, []runtime.Option{runtime.WithDecoder(runtime.Generic)})
	if err != nil {
		return err
	}
	b.missing = findMissing(d)
	var piece benchPiece
	largest := 0
	for i, u := range m.Units() {
		piece.names, piece.sizes = append(piece.names, u.Name), append(piece.sizes, u.Elements)
		piece.words += u.Elements
		b.weights += uint64(u.Elements)
		if b.units = i + 1; piece.words >= benchPieceWeights || b.units == len(m.Units()) {
			b.pieces = append(b.pieces, piece)
			largest = max(largest, piece.words)
			piece = benchPiece{}
		}
	}
	if b.weights == 0 {
		return errors.Join(fmt.Errorf("checkpoint: %s: no coded weights to measure with", b.path), m.Close())
	}
	// Memory that was never written is not there yet, or is one page of zeros, mapped many times.
	b.memory = slices.Repeat([]uint16{math.MaxUint16}, max(largest, int(min(4*b.weights, benchMemory))))
	b.source = slices.Clone(b.memory)
	b.bytes = bytes.Repeat([]byte{1}, len(b.memory)+roofline.StreamBytes(len(b.memory)))
	return m.Close()
}

// turn returns where in the memory to write words to: the part that was not used for the longest time.
func (b *bench) turn(words int) (from, to int) {
	if b.next+words > len(b.memory) {
		b.next = 0
	}
	from = b.next
	b.next += words
	return from, b.next
}

// measure measures all decoders with a number of threads.
func (b *bench) measure(decoders []string, threads int) (results []BenchResult, err error) {
	contenders := []measure.Contender{
		b.contender("memcpy", threads, func(_ *benchPiece, from, to int) error {
			inParts(from, to, threads, func(from, to int) { copy(b.memory[from:to], b.source[from:to]) })
			return nil
		}),
		b.contender("roofline", threads, func(_ *benchPiece, from, to int) error {
			inParts(from, to, threads, b.move)
			return nil
		}),
	}
	for _, decoder := range decoders {
		m, openErr := runtime.Open(b.path, runtime.WithDecoder(decoder), runtime.WithWorkers(threads))
		if openErr != nil {
			return nil, openErr
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		contenders = append(contenders, b.contender(decoder, threads, func(u *benchPiece, from, to int) error {
			dst := b.memory[from:to]
			for i, name := range u.names {
				if err := m.DecodeUnit(b.ctx, name, dst[:u.sizes[i]]); err != nil {
					return err
				}
				dst = dst[u.sizes[i]:]
			}
			return nil
		}))
	}
	samples, err := measure.Run(b.ctx, contenders, measure.Options{
		WarmUp: min(len(b.pieces), benchRounds), Rounds: benchRounds, Time: time.Duration(len(decoders)) * b.time,
	})
	if err != nil {
		return nil, err
	}
	for i, decoder := range decoders {
		results = append(results, benchResult(decoder, threads, samples, 2+i))
	}
	return results, nil
}

// contender returns a contender that does work on the piece of a round.
func (b *bench) contender(name string, threads int, work func(u *benchPiece, from, to int) error) measure.Contender {
	return measure.Contender{Name: name, Probes: threads, Work: func(round int) (int, time.Duration, error) {
		u := &b.pieces[round%len(b.pieces)]
		from, to := b.turn(u.words)
		start := time.Now()
		err := work(u, from, to)
		return u.words, time.Since(start), err
	}}
}

// benchResult sums up the samples of contender i; 0 is memcpy and 1 the roofline.
func benchResult(decoder string, threads int, s measure.Samples, i int) BenchResult {
	fastest := s.QuietProbe(0, 1, i)
	plain, quiet := s.Plain(), s.Quiet(i, fastest)
	median := func(values []float64) float64 { return measure.NewSpread(values).Median }
	return BenchResult{
		Decoder: decoder, Threads: threads, Rounds: len(plain),
		Rate:   median(s.Rates(i, plain)),
		Memcpy: median(s.Rates(0, plain)), MemcpyRatio: median(s.Ratios(i, 0, plain)),
		Roofline: median(s.Rates(1, plain)), RooflineRatio: median(s.Ratios(i, 1, plain)),
		Quiet: BenchQuiet{
			Rounds:      len(quiet),
			Rate:        median(s.Rates(i, quiet)),
			MemcpyRatio: median(s.QuietRatios(i, 0, fastest, fastest)), RooflineRatio: median(s.QuietRatios(i, 1, fastest, fastest)),
		},
	}
}

// move moves the bytes that a decoder of the words [from, to) has to move, and does nothing else.
func (b *bench) move(from, to int) {
	signMantissa, stream := b.bytes[:len(b.memory)], b.bytes[len(b.memory):]
	roofline.Move(b.memory[from:to], stream[from/roofline.BlockWeights*roofline.BlockStream:], signMantissa[from:])
}

// inParts divides words evenly among threads.
func inParts(from, to, threads int, do func(from, to int)) {
	var others sync.WaitGroup
	n := to - from
	for i := 1; i < threads; i++ {
		others.Go(func() { do(from+n*i/threads, from+n*(i+1)/threads) })
	}
	do(from, from+n/threads)
	others.Wait()
}
