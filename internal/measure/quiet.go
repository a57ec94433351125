package measure

import (
	"cmp"
	"slices"
	"time"
)

const (
	// fastProbes is the part of the probes of a run that counts as undisturbed.
	fastProbes = 0.02
	// quietFactor bounds how many times as long as undisturbed probes the probes of a quiet measurement may take.
	// The clock of a core varies by a tenth; a neighbour doubles the time.
	quietFactor = 1.2
	// patience is how long a contender may wait for a quiet moment and repeat a disturbed measurement.
	patience = 25 * time.Millisecond
)

// fastestProbes are the fastest probes seen so far, by number of goroutines.
type fastestProbes map[int]time.Duration

// sample measures c in a quiet moment, if one comes soon.
func (f fastestProbes) sample(c *Contender, round int) (Sample, error) {
	for start, attempt := time.Now(), 0; ; attempt++ {
		for !f.quiet(c.Probes, Probe(c.Probes)) && time.Since(start) < patience {
		}
		s, err := c.sample(round + attempt)
		s.Waited = true
		if err != nil || f.quiet(c.Probes, s.Probe) || time.Since(start) >= patience {
			return s, err
		}
	}
}

// quiet reports whether a probe was about as fast as the fastest one. It notes the probe if it was faster.
func (f fastestProbes) quiet(probes int, took time.Duration) bool {
	fastest, known := f[probes]
	if !known || took < fastest {
		f[probes] = took
		return known
	}
	return float64(took) <= quietFactor*float64(fastest)
}

// QuietProbe returns the time of the fastest probes of the given contenders, which must all have the same number
// of probes.
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

// Plain returns the rounds that did not wait for quiet moments.
func (s Samples) Plain() []int {
	return s.where(func(r int) bool { return !s[0][r].Waited })
}

// Quiet returns the rounds that were quiet for contender i. fastest is what [Samples.QuietProbe] returned.
func (s Samples) Quiet(i int, fastest time.Duration) []int {
	return s.where(func(r int) bool { return float64(s[i][r].Probe) <= quietFactor*float64(fastest) })
}

func (s Samples) where(want func(round int) bool) []int {
	var rounds []int
	for r := range s[0] {
		if want(r) {
			rounds = append(rounds, r)
		}
	}
	return rounds
}

// Rates returns the rates of contender i in some rounds.
func (s Samples) Rates(i int, rounds []int) []float64 {
	var rates []float64
	for _, r := range rounds {
		rates = append(rates, s[i][r].Rate)
	}
	return rates
}

// Ratios returns the rates of contender i as parts of those of contender j in the same rounds.
func (s Samples) Ratios(i, j int, rounds []int) []float64 {
	var ratios []float64
	for _, r := range rounds {
		ratios = append(ratios, s[i][r].Rate/s[j][r].Rate)
	}
	return ratios
}

// Over returns samples whose rates are those of contender i as parts of those of contender j in the same rounds. A sample is as
// quiet as the less quiet one of the two.
func (s Samples) Over(i, j int) []Sample {
	var list []Sample
	for r, a := range s[i] {
		b := s[j][r]
		list = append(list, Sample{Rate: a.Rate / b.Rate, Probe: max(a.Probe, b.Probe), Waited: a.Waited})
	}
	return list
}

// QuietRatios returns the rates of contender i in its quiet rounds as parts of those of contender j, each in the
// nearest quiet round of j. It is empty if one of them has no quiet round.
func (s Samples) QuietRatios(i, j int, fastestI, fastestJ time.Duration) []float64 {
	others := s.Quiet(j, fastestJ)
	if len(others) == 0 {
		return nil
	}
	var ratios []float64
	for _, r := range s.Quiet(i, fastestI) {
		nearest := slices.MinFunc(others, func(a, b int) int { return cmp.Compare(distance(a, r), distance(b, r)) })
		ratios = append(ratios, s[i][r].Rate/s[j][nearest].Rate)
	}
	return ratios
}

func distance(a, b int) int { return max(a-b, b-a) }
