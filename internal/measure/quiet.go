package measure

import (
	"slices"
	"time"
)

const (
	// fastProbes is the part of the probes of a run that is taken for undisturbed.
	fastProbes = 0.02
	// quietFactor is how much longer than those the probes of a quiet measurement take at most. The clock
	// of a core moves by a tenth; a neighbour doubles the time.
	quietFactor = 1.2
	// patience is how long a turn waits for a quiet moment.
	patience = 10 * time.Millisecond
)

// fastestProbes are the fastest that were seen so far, by number of goroutines.
type fastestProbes map[int]time.Duration

// wait probes until a probe is as fast as the fastest, or patience ends.
func (f fastestProbes) wait(probes int) {
	for start := time.Now(); time.Since(start) < patience; {
		p := Probe(probes)
		fastest, known := f[probes]
		if !known || p < fastest {
			f[probes] = p
		} else if float64(p) <= quietFactor*float64(fastest) {
			return
		}
	}
}

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

// Rates returns the rates of contender i in the rounds that did not wait, and in those, of all, that were
// quiet for it.
func (s Samples) Rates(i int, quietProbe time.Duration) (plain, quiet []float64) {
	for _, sample := range s[i] {
		if !sample.Waited {
			plain = append(plain, sample.Rate)
		}
		if sample.quiet(quietProbe) {
			quiet = append(quiet, sample.Rate)
		}
	}
	return plain, quiet
}

// Ratios returns, round by round, the rate of contender i as a part of that of contender j: in the rounds
// that did not wait, and in those, of all, that were quiet for both.
func (s Samples) Ratios(i, j int, quietI, quietJ time.Duration) (plain, quiet []float64) {
	for r := range s[i] {
		a, b := s[i][r], s[j][r]
		if !a.Waited {
			plain = append(plain, a.Rate/b.Rate)
		}
		if a.quiet(quietI) && b.quiet(quietJ) {
			quiet = append(quiet, a.Rate/b.Rate)
		}
	}
	return plain, quiet
}
