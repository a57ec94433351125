package checkpoint

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"time"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// BenchOptions are the options of [Bench]. The zero value is useful.
type BenchOptions struct {
	// Decoders are the decoders to measure, all that are available here if empty.
	Decoders []string
	// Threads are the numbers of threads to measure with, 1 and GOMAXPROCS if empty.
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

// BenchResult is a decoder with a number of threads. Figures are medians over rounds in which copying,
// moving and every decoder took turns on the same weights, a piece of the checkpoint in each round; ratios
// are of two rates of the same round. Memory that is written was used before, and is not the same twice in a
// row; what fits the processor's caches is measured in them.
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
	// Quiet holds the same for the rounds that nothing else on the machine seemed to disturb.
	Quiet BenchQuiet `json:"quiet"`
}

// BenchQuiet is the part of a [BenchResult] that comes from quiet rounds, all zeros if there were none. A
// round is quiet when computations before and after the decoder's turn ran about as fast as any in the run;
// ratios are to the nearest quiet turn of memcpy or roofline, 0 if they had none.
type BenchQuiet struct {
	Rounds        int     `json:"rounds"`
	Rate          float64 `json:"gweights_per_second"`
	MemcpyRatio   float64 `json:"memcpy_ratio"`
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
