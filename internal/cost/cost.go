// Package cost holds code, in tests, to bounds on memory and time. Memory is counted in bytes allocated, garbage
// included. It stands for work, because it is the same on a machine that is busy with other things.
package cost

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// Bytes returns the number of bytes that the process allocates while f runs. Tests that count bytes do not run in
// parallel with others.
func Bytes(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Linear fails the test if work of twice the size allocates more than 2.5 times as much. make prepares work of the
// given size and returns it.
func Linear(tb testing.TB, size int, make func(size int) (work func())) {
	tb.Helper()
	small, large := make(size), make(2*size)
	small() // makes what is made only once
	one, two := Bytes(small), Bytes(large)
	if float64(two) > 2.5*float64(one) {
		tb.Errorf("size %d takes %d bytes, size %d takes %d: %.1f times as much", size, one, 2*size, two, float64(two)/float64(one))
	}
}

// hang is far more than any input takes, in seconds.
const hang = 60

// Watch ends the process, with all stacks, unless stop is called within a minute. Only seconds in which the
// process runs count, not those in which the machine stands still.
func Watch(what string) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for range hang {
			select {
			case <-done:
				return
			case <-tick.C: // one for any number of seconds in which nothing ran
			}
		}
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		panic(fmt.Sprintf("%s takes longer than %d s", what, hang))
	}()
	return func() { close(done) }
}

// Bounded runs f on an input of n bytes, for fuzz targets. It fails the test if f allocates more than base bytes
// and factor bytes for each byte of the input. It ends the process as Watch does. Other goroutines allocate too,
// such as the one that hands out the inputs; so if f seems to take too much, it is run up to twice more.
func Bounded(tb testing.TB, n, base, factor int, f func()) {
	tb.Helper()
	defer Watch(fmt.Sprintf("an input of %d bytes", n))()
	limit, took := uint64(base+factor*n), Bytes(f)
	for i := 0; i < 2 && took > limit; i++ {
		took = min(took, Bytes(f))
	}
	if took > limit {
		tb.Errorf("an input of %d bytes takes %d bytes, max %d and %d for each", n, took, base, factor)
	}
}
