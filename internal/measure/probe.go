package measure

import (
	"sync"
	"sync/atomic"
	"time"
)

// probeSteps is the number of steps of a probe. A step is eight additions; all of them take some 25 µs.
const probeSteps = 32 << 10

// Probe runs the same short computation in as many goroutines as threads says, at once. It returns the time of the
// slowest.
func Probe(threads int) time.Duration {
	times := make([]time.Duration, threads)
	var others sync.WaitGroup
	for i := 1; i < threads; i++ {
		others.Go(func() { times[i] = timeAdditions() })
	}
	times[0] = timeAdditions()
	others.Wait()
	slowest := time.Duration(0)
	for _, t := range times {
		slowest = max(slowest, t)
	}
	return slowest
}

func timeAdditions() time.Duration {
	start := time.Now()
	sink.Store(additions(probeSteps))
	return time.Since(start)
}

// additions adds in eight registers that do not wait for each other. They start with different values; otherwise
// the compiler would use one register.
func additions(steps uint64) uint64 {
	a, b, c, d := steps, steps+1, steps+2, steps+3
	e, f, g, h := steps+4, steps+5, steps+6, steps+7
	for i := range steps {
		a += i
		b ^= i
		c += i
		d ^= i
		e += i
		f ^= i
		g += i
		h ^= i
	}
	return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h
}

// sink keeps the compiler from removing the additions.
var sink atomic.Uint64
