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

// A faster decodes by windows or by strands, whichever is faster on this machine.
type faster struct {
	windows *byWindows
	strands *byStrands
}

// decode decodes chunks with the family that was measured to be faster. The first stream that is long enough is
// used to measure both.
func (f *faster) decode(s *stream, from, to int, dst []uint16) int {
	return f.pick(s).decode(s, from, to, dst)
}

func (f *faster) decodePart(s *stream, c, from int, dst []uint16) bool {
	return f.pick(s).decodePart(s, c, from, dst)
}

func (f *faster) sides() int { return f.strands.sides() }

// pick returns the decoder of a stream.
func (f *faster) pick(s *stream) Decoder {
	if s.gaps == nil || measured.family(f.windows, f.strands, s) == AVX2 {
		return f.strands
	}
	return f.windows
}

const (
	// leastMeasured is the number of chunks that a stream must have to measure decoders with it. mostMeasured is the
	// largest number of chunks that are decoded for it. They have half a million weights, and decoding them takes a
	// fraction of a millisecond, which is often not interrupted.
	leastMeasured = 8
	mostMeasured  = 40
	// measuredRounds is how often each family decodes them, each time to memory that it did not write last. The
	// shortest time counts.
	measuredRounds = 8
)

// A calibration says which family of decoders is faster. There is one for the process.
type calibration struct {
	mu     sync.Mutex
	faster string     // "" before anything was measured
	rates  [2]float64 // of windows and strands, in weights a second
}

var measured calibration

// known returns the faster family and the rates of both. Both strings are "" before anything was measured.
func (c *calibration) known() (family, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faster == "" {
		return "", ""
	}
	return c.faster, fmt.Sprintf("measured: %s %.1f, %s %.1f thousand million weights a second", AVX512, c.rates[0]/1e9, AVX2, c.rates[1]/1e9)
}

// family returns the faster family. If that is not known yet, it measures both with the stream. If the stream is
// too short or damaged, the family stays unknown, and is "".
func (c *calibration) family(windows, strands Decoder, s *stream) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faster != "" || s.Chunks() < leastMeasured {
		return c.faster
	}
	n := min(s.Chunks(), mostMeasured)
	elements, _ := s.ChunkStart(n)
	dst := make([]uint16, measuredRounds*elements)
	for i := 0; i < len(dst); i += 1 << 10 {
		dst[i] = 1 // so that the system provides the memory before anything is timed
	}
	best := [2]time.Duration{1 << 62, 1 << 62}
	for round := range measuredRounds {
		for i, d := range [2]Decoder{windows, strands} {
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

// Measured returns the faster family and the rates of both, as text. Both are "" before anything was measured.
func Measured() (family, reason string) { return measured.known() }

// Calibrate measures both families in assembly with random weights, unless a decode has measured them with weights
// of a model. It takes some hundredths of a second. The CPU must have AVX-512.
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
	if f, ok := NewDecoder(book, AVX512, nil, true).(*faster); !ok || measured.family(f.windows, f.strands, s) == "" {
		return errors.New("the decoders cannot be measured")
	}
	return nil
}
