package main

import (
	"time"

	"github.com/seed54244801/bespoke/internal/measure"
)

// A report is the result of a run. It is written to build/bench/bench.json.
type report struct {
	Date string `json:"date"`
	// Time is the least time that was spent on a table.
	Time    string    `json:"time"`
	Machine machine   `json:"machine"`
	Tables  []*table  `json:"tables"`
	Missing []missing `json:"missing"`
	Wall    *wall     `json:"wall,omitempty"`
	Picture string    `json:"-"` // the file beside the page that the summary is drawn in, if any
}

// missing says what was not measured.
type missing struct {
	What   string `json:"what"`
	Data   string `json:"data,omitempty"`
	Reason string `json:"reason"`
}

// A table holds the contenders that were measured in the same rounds.
type table struct {
	Data    string `json:"data"`
	Do      string `json:"do"` // multiply, decode or encode
	Weights int    `json:"weights"`
	Units   int    `json:"units"`
	Pieces  int    `json:"pieces"`
	Copies  int    `json:"copies,omitempty"` // of a model
	// UnitSizes are the numbers of weights in the smallest and in the largest unit.
	UnitSizes [2]int  `json:"unit_weights"`
	Entropy   float64 `json:"exponent_entropy"`
	Rounds    int     `json:"rounds"` // that did not wait for quiet moments; there are as many more that did
	// Probe is the time of undisturbed probes in nanoseconds, by the number of probes that run at once.
	Probe map[int]time.Duration `json:"quiet_probe_ns"`
	Rows  []*row                `json:"rows"`
}

// A row is one contender.
type row struct {
	Impl    string  `json:"impl"`
	Threads int     `json:"threads"`
	Batch   int     `json:"batch,omitempty"` // of a product
	Bits    float64 `json:"bits,omitempty"`
	Longest int     `json:"longest_code,omitempty"`
	// Choice is the decoder that ran, and why.
	Choice string `json:"choice,omitempty"`
	// Rate is in thousand million weights a second.
	Rate *measured `json:"gweights_per_second"`
	// Memcpy is the rate as a part of the rate of copying the words in the same process, Roofline as a part of the
	// rate of moving the bytes of a decoder, One as a part of that of the same contender with one thread, and
	// Large as a part of that of the same decoder on large units.
	Memcpy   *measured `json:"memcpy_ratio,omitempty"`
	Roofline *measured `json:"roofline_ratio,omitempty"`
	One      *measured `json:"one_thread_ratio,omitempty"`
	Large    *measured `json:"large_unit_ratio,omitempty"`
	// Plain is the rate of a product as a part of that with weights that are not coded.
	Plain *measured `json:"plain_ratio,omitempty"`
	// Peer is the rate as a part of that of a peer, after each was divided by that of copying in its process.
	Peer *rival `json:"peer,omitempty"`
	// Rivals are the contenders among which a decoder that chooses had to choose.
	Rivals []rival `json:"rivals,omitempty"`
}

// A rival is a contender, and the rate of another contender as a part of its rate.
type rival struct {
	Impl  string    `json:"impl"`
	Ratio *measured `json:"ratio"`
}

// measured is a figure over all rounds and over the quiet ones.
type measured struct {
	All   measure.Spread `json:"all"`
	Quiet measure.Spread `json:"quiet"`
}

func newMeasured(all, quiet []float64) *measured {
	return &measured{measure.NewSpread(all), measure.NewSpread(quiet)}
}

// newTable makes the table of the samples of contenders.
func newTable(d *dataSet, do string, contenders []contender, samples measure.Samples) *table {
	t := &table{
		Data: d.name, Do: do, Weights: len(d.weights), Units: len(d.units), Pieces: len(d.pieces), Copies: d.copies, UnitSizes: d.unitSizes(),
		Entropy: d.entropy(), Rounds: len(samples.Plain()), Probe: make(map[int]time.Duration),
	}
	at := make(map[contenderKey]int)
	byProbes := make(map[int][]int)
	for i, c := range contenders {
		at[contenderKey{c.name, c.threads, c.batch}] = i
		byProbes[c.probeCount()] = append(byProbes[c.probeCount()], i)
	}
	for n, list := range byProbes {
		t.Probe[n] = samples.QuietProbe(list...)
	}
	fastest := func(i int) time.Duration { return t.Probe[contenders[i].probeCount()] }
	plain := samples.Plain()
	for i, c := range contenders {
		r := &row{Impl: c.name, Threads: c.threads, Batch: c.batch, Bits: c.bits, Longest: c.longest, Choice: c.choice}
		r.Rate = newMeasured(samples.Rates(i, plain), samples.Rates(i, samples.Quiet(i, fastest(i))))
		against := func(name string, threads int) *measured {
			j, ok := at[contenderKey{name, threads, c.batch}]
			if !ok || i == j {
				return nil
			}
			return newMeasured(samples.Ratios(i, j, plain), samples.QuietRatios(i, j, fastest(i), fastest(j)))
		}
		r.Memcpy = against(c.yardstick, c.threads)
		r.One = against(c.name, 1)
		if c.batch > 0 {
			r.Plain = against(bf16Name, c.threads)
		}
		if own, peer, yardstick, ok := c.withPeer(at, contenders); ok {
			parts := measure.Samples{samples.Over(i, own), samples.Over(peer, yardstick)}
			r.Peer = &rival{c.peer, newMeasured(parts.Ratios(0, 1, plain), parts.QuietRatios(0, 1, fastest(i), fastest(peer)))}
		}
		if c.yardstick == memcpyName && do == "decode" {
			r.Roofline = against(rooflineName, c.threads)
		}
		if large, ok := cutSmall(c.name); ok {
			r.Large = against(large, c.threads)
		}
		for _, name := range c.rivals {
			if ratio := against(name, c.threads); ratio != nil {
				r.Rivals = append(r.Rivals, rival{name, ratio})
			}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

type contenderKey struct {
	name           string
	threads, batch int
}

// withPeer returns the places of a contender's yardstick, of its peer and of the peer's yardstick.
func (c *contender) withPeer(at map[contenderKey]int, all []contender) (own, peer, yardstick int, ok bool) {
	peer, ok = at[contenderKey{c.peer, c.threads, c.batch}]
	if !ok {
		return 0, 0, 0, false
	}
	own, known := at[contenderKey{c.yardstick, c.threads, c.batch}]
	yardstick, ok = at[contenderKey{all[peer].yardstick, c.threads, c.batch}]
	return own, peer, yardstick, known && ok
}
