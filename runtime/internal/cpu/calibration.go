package cpu

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed54244801/bespoke/codebook"
)

// A faster decodes by windows or by lanes: by what is faster on this machine.
type faster struct {
	windows *byWindows
	lanes   *byLanes
}

// decode decodes chunks by the family that was measured to be faster. The first stream that is long enough is
// what they are measured with.
func (f *faster) decode(s *stream, from, to int, dst []uint16) int {
	return f.pick(s).decode(s, from, to, dst)
}

func (f *faster) decodePart(s *stream, c, from int, dst []uint16) bool {
	return f.pick(s).decodePart(s, c, from, dst)
}

func (f *faster) sides() int { return f.lanes.sides() }

// pick returns the decoder of a stream.
func (f *faster) pick(s *stream) Decoder {
	if s.gaps == nil || measured.family(f.windows, f.lanes, s) == AVX2 {
		return f.lanes
	}
	return f.windows
}

const (
	// leastMeasured is the number of chunks that a stream must have to measure decoders with it, mostMeasured how many
	// of them are decoded: half a million weights, in a fraction of a millisecond that often nothing interrupts.
	leastMeasured = 8
	mostMeasured  = 40
	// measuredRounds is how often each family decodes them, to memory that it was not the last to write. The fastest time
	// counts.
	measuredRounds = 8
)

// A calibration is which family of decoders was found to be faster, once for the process.
type calibration struct {
	mu     sync.Mutex
	faster string     // "" before
	rates  [2]float64 // of windows and lanes, in weights a second
}

var measured calibration

// known returns the faster family and why it is, "" before anything was measured.
func (c *calibration) known() (family, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faster == "" {
		return "", ""
	}
	return c.faster, fmt.Sprintf("measured: %s %.1f, %s %.1f thousand million weights a second", AVX512, c.rates[0]/1e9, AVX2, c.rates[1]/1e9)
}

// family returns the faster family, which it measures with a stream where it is not known. A stream that is too short, or
// damaged, leaves it unknown.
func (c *calibration) family(windows, lanes Decoder, s *stream) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faster != "" || s.Chunks() < leastMeasured {
		return c.faster
	}
	n := min(s.Chunks(), mostMeasured)
	elements, _ := s.ChunkStart(n)
	dst := make([]uint16, measuredRounds*elements)
	for i := 0; i < len(dst); i += 1 << 10 {
		dst[i] = 1 // so that no decoder has to wait for its memory
	}
	best := [2]time.Duration{1 << 62, 1 << 62}
	for round := range measuredRounds {
		for i, d := range [2]Decoder{windows, lanes} {
			to := dst[(round+i)%measuredRounds*elements:][:elements]
			start := time.Now()
			if d.decode(s, 0, n, to) != n {
				return ""
			}
			best[i] = min(best[i], max(1, time.Since(start)))
		}
	}
	for i := range best {
		c.rates[i] = float64(elements) / best[i].Seconds()
	}
	c.faster = AVX512
	if best[1] < best[0] {
		c.faster = AVX2
	}
	return c.faster
}

// Measured returns the faster family and why it is, "" before anything was measured.
func Measured() (family, reason string) { return measured.known() }

// Calibrate measures the families, where there are two in assembly, with weights drawn at random, unless a decode has done
// so before with weights of a model; that takes some hundredths of a second.
func Calibrate() error {
	if family, _ := measured.known(); family != "" {
		return nil
	}
	r := rand.New(rand.NewPCG(1, 2))
	weights := make([]uint16, 1<<20)
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64())) >> 16)
	}
	var h codebook.Histogram
	h.Count(weights)
	book, err := codebook.Canonical(&h, codebook.TableBits)
	if err != nil {
		return err
	}
	coded, err := codebook.Encode(book, weights)
	if err != nil {
		return err
	}
	s, err := newStream(*coded)
	if err != nil {
		return err
	}
	d, err := NewDecoder(book, AVX512, nil, true)
	if err != nil {
		return err
	}
	if f, ok := d.(*faster); !ok || measured.family(f.windows, f.lanes, s) == "" {
		return errors.New("the decoders cannot be measured")
	}
	return nil
}
