package checkpoint

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"time"

	"github.com/seed54244801/bespoke/runtime"
)

// BenchOptions are the options of [Bench]. The zero value is useful.
type BenchOptions struct {
	// Decoders are the decoders to measure, all that are available here if empty.
	Decoders []string
	// Threads are the numbers of threads to measure with, 1 and GOMAXPROCS if empty.
	Threads []int
	// Time is the least time to spend on a measurement, a second if 0.
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
}

// BenchResult is the best of several rounds over all units of a checkpoint, decoded one after the other
// into memory that was used before. What fits the processor's caches is measured in them.
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
	// Roofline is the rate at which the same threads do nothing but move what a decoder must: read 1.34
	// bytes and write 2 for each weight. RooflineRatio is the part of it that the decoder reaches.
	Roofline      float64 `json:"roofline_gweights_per_second"`
	RooflineRatio float64 `json:"roofline_ratio"`
}

// Bench measures how fast the decoders decode a DF11 checkpoint.
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
	b := bench{ctx: ctx, path: path, time: opts.Time, p: orSilent(opts.Progress)}
	defer b.p.Done()
	if err := b.prepare(); err != nil {
		return nil, err
	}
	b.p.Stage("measuring", int64(len(threads)*(2+len(decoders))), "runs")
	report := &BenchReport{DF11: path, Units: len(b.sizes), Results: []BenchResult{}}
	for _, n := range b.sizes {
		report.Weights += uint64(n)
	}
	for _, n := range threads {
		if n < 1 {
			return nil, fmt.Errorf("checkpoint: %d threads, want at least 1", n)
		}
		memcpy, _, err := b.measure(func() error { return b.each(n, memcpyBlock) })
		if err != nil {
			return nil, err
		}
		roofline, _, err := b.measure(func() error { return b.each(n, rooflineBlock) })
		if err != nil {
			return nil, err
		}
		for _, decoder := range decoders {
			rate, rounds, err := b.decode(decoder, n)
			if err != nil {
				return nil, err
			}
			report.Results = append(report.Results, BenchResult{
				Decoder: decoder, Threads: n, Rounds: rounds, Rate: rate,
				Memcpy: memcpy, MemcpyRatio: rate / memcpy, Roofline: roofline, RooflineRatio: rate / roofline,
			})
		}
	}
	return report, nil
}

// benchDecoders returns the decoders to measure: those asked for, whether they are available or not, or
// all that are.
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

type bench struct {
	ctx   context.Context
	path  string
	time  time.Duration
	p     Progress
	names []string
	sizes []int // weights of each unit
	at    []int // where in words each unit goes
	words []uint16

	from, to []byte // of the copies, as large as words
}

// prepare lists the units and gets the memory.
func (b *bench) prepare() error {
	m, err := runtime.Open(b.path, runtime.WithDecoder(runtime.Generic))
	if err != nil {
		return err
	}
	const most = 64 << 20 // words; far more than any cache holds
	end, size := 0, 0
	for _, u := range m.Units() {
		if end > 0 && end+u.Elements > most {
			end = 0
		}
		b.names = append(b.names, u.Name)
		b.sizes = append(b.sizes, u.Elements)
		b.at = append(b.at, end)
		end += u.Elements
		size = max(size, end)
	}
	b.words = make([]uint16, size)
	b.from, b.to = make([]byte, 2*size), make([]byte, 2*size)
	for i := range b.from {
		b.from[i] = byte(i) // fresh memory may be one page of zeros many times over
	}
	return m.Close()
}

// decode measures a decoder.
func (b *bench) decode(decoder string, threads int) (rate float64, rounds int, err error) {
	m, err := runtime.Open(b.path, runtime.WithDecoder(decoder), runtime.WithWorkers(threads))
	if err != nil {
		return 0, 0, err
	}
	defer m.Close()
	return b.measure(func() error {
		for i, name := range b.names {
			if err := m.DecodeUnit(b.ctx, name, b.words[b.at[i]:b.at[i]+b.sizes[i]]); err != nil {
				return err
			}
		}
		return nil
	})
}

// measure runs rounds until the time is over and returns the rate of the best in thousand million weights a
// second. The first round, which finds cold caches and pages that are not mapped yet, does not count.
func (b *bench) measure(round func() error) (rate float64, rounds int, err error) {
	weights := 0
	for _, n := range b.sizes {
		weights += n
	}
	if err := round(); err != nil {
		return 0, 0, err
	}
	best := time.Duration(1<<63 - 1)
	for start := time.Now(); rounds < 3 || time.Since(start) < b.time; rounds++ {
		if err := b.ctx.Err(); err != nil {
			return 0, 0, err
		}
		began := time.Now()
		if err := round(); err != nil {
			return 0, 0, err
		}
		best = min(best, max(time.Since(began), 1))
	}
	b.p.Advance(1)
	return float64(weights) / float64(best.Nanoseconds()), rounds, nil
}
