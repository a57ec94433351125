package measure

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"time"
)

// A Contender is one of the things to compare.
type Contender struct {
	Name string
	// Probes is the number of goroutines that probe beside it: as many as its work has, or one for each
	// processor where the work is done by another process on any of them.
	Probes int
	// Work does the work of a round, and returns how many items it got through and how long that
	// took. The same round is the same work for all.
	Work func(round int) (items int, took time.Duration, err error)
}

// Timed returns the Work of something that need not keep time itself.
func Timed(work func(round int) (items int, err error)) func(int) (int, time.Duration, error) {
	return func(round int) (int, time.Duration, error) {
		start := time.Now()
		items, err := work(round)
		return items, time.Since(start), err
	}
}

// Options say how long to measure.
type Options struct {
	// WarmUp is the number of rounds that do not count.
	WarmUp int
	// Rounds is the least number of rounds, Time the least time; both hold.
	Rounds int
	Time   time.Duration
}

// A Sample is one measurement.
type Sample struct {
	Rate  float64       // items a nanosecond
	Probe time.Duration // the slower of the probes before and after
}

// Samples are the measurements of a run: Samples[i][r] is that of contender i in round r.
type Samples [][]Sample

// Run measures round by round. In each round every contender has its turn, the first of the last round
// last. It ends early with the first error and with the context's error.
func Run(ctx context.Context, contenders []Contender, opts Options) (Samples, error) {
	samples := make(Samples, len(contenders))
	if len(contenders) == 0 {
		return samples, nil
	}
	// Work and its probes run on one thread of the system, which stays on its processor while it is busy.
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	start := time.Now()
	for round := 0; round < opts.WarmUp+opts.Rounds || time.Since(start) < opts.Time; round++ {
		for turn := range contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			i := (round + turn) % len(contenders)
			s, err := contenders[i].sample(round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].Name, err)
			}
			if round >= opts.WarmUp {
				samples[i] = append(samples[i], s)
			}
		}
		if round+1 == opts.WarmUp {
			start = time.Now()
		}
	}
	return samples, nil
}

func (c *Contender) sample(round int) (Sample, error) {
	before := Probe(c.Probes)
	items, took, err := c.Work(round)
	if err != nil {
		return Sample{}, err
	}
	after := Probe(c.Probes)
	return Sample{Rate: float64(items) / float64(max(took, 1)), Probe: max(before, after)}, nil
}

const (
	// fastProbes is the part of the probes of a run that is taken for undisturbed.
	fastProbes = 0.02
	// quietFactor is how much longer than those the probes of a quiet measurement take at most.
	quietFactor = 1.05
)

// QuietProbe returns the time of the fastest probes beside the given contenders, which have equally many.
func (s Samples) QuietProbe(contenders ...int) time.Duration {
	var probes []float64
	for _, i := range contenders {
		for _, sample := range s[i] {
			probes = append(probes, float64(sample.Probe))
		}
	}
	if len(probes) == 0 {
		return 0
	}
	slices.Sort(probes)
	return time.Duration(quantile(probes, fastProbes))
}

// quiet reports whether the measurement was made while probes took about the given time.
func (s Sample) quiet(probe time.Duration) bool {
	return float64(s.Probe) <= quietFactor*float64(probe)
}

// Rates returns the rates of contender i in all rounds and in those that were quiet for it.
func (s Samples) Rates(i int, quietProbe time.Duration) (all, quiet []float64) {
	for _, sample := range s[i] {
		all = append(all, sample.Rate)
		if sample.quiet(quietProbe) {
			quiet = append(quiet, sample.Rate)
		}
	}
	return all, quiet
}

// Ratios returns, round by round, the rate of contender i as a part of that of contender j, in all
// rounds and in those that were quiet for both.
func (s Samples) Ratios(i, j int, quietI, quietJ time.Duration) (all, quiet []float64) {
	for r := range s[i] {
		a, b := s[i][r], s[j][r]
		all = append(all, a.Rate/b.Rate)
		if a.quiet(quietI) && b.quiet(quietJ) {
			quiet = append(quiet, a.Rate/b.Rate)
		}
	}
	return all, quiet
}
