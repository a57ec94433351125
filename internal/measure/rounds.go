package measure

import (
	"context"
	"fmt"
	"time"
)

// A Contender is one of the things to compare.
type Contender struct {
	Name string
	// Probes is the number of goroutines that run a probe beside it: as many as its work has, or one for each
	// processor if the work is done by another process on any of them.
	Probes int
	// Work does the work of a round. It returns the number of items done and the time that they took. In the same
	// round, the work of all contenders is the same. A repeated measurement takes the work of later rounds.
	Work func(round int) (items int, took time.Duration, err error)
}

// Options say how long to measure.
type Options struct {
	// WarmUp is the number of rounds that do not count.
	WarmUp int
	// Rounds is the least number of rounds, Time the least time. Both must be reached.
	Rounds int
	Time   time.Duration
}

// A Sample is one measurement.
type Sample struct {
	Rate   float64       // items a nanosecond
	Probe  time.Duration // the slower of the probes before and after
	Waited bool          // in a round that waited for quiet moments
}

// Samples are the measurements of a run: Samples[i][r] is that of contender i in round r.
type Samples [][]Sample

// Run measures round by round. In each round every contender has its turn; the first one of a round is the last
// one of the next. Every second round waits before each turn until a probe finds the machine quiet, and repeats
// disturbed measurements, for some milliseconds at most. Run ends early with the first error, or with the
// context's error.
func Run(ctx context.Context, contenders []Contender, opts Options) (Samples, error) {
	samples := make(Samples, len(contenders))
	if len(contenders) == 0 {
		return samples, nil
	}
	fastest := make(fastestProbes)
	start := time.Now()
	for round := 0; round < opts.WarmUp+opts.Rounds || time.Since(start) < opts.Time; round++ {
		for turn := range contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			i := (round + turn) % len(contenders)
			var s Sample
			var err error
			if round%2 == 1 {
				s, err = fastest.sample(&contenders[i], round)
			} else {
				s, err = contenders[i].sample(round)
			}
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
