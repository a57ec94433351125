// Package cost holds code to bounds on what it takes, in tests. Memory is counted, in bytes allocated, garbage included,
// and stands for work: it is the same on a machine that is busy with other things.
package cost

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// Bytes returns how many bytes the process allocates while f runs. Tests that count do not run in parallel with others.
func Bytes(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Linear fails the test unless work of twice the size allocates at most 2.5 times as much. Make prepares work of the given
// size and returns it.
func Linear(tb testing.TB, size int, make func(size int) (work func())) {
	tb.Helper()
	small, large := make(size), make(2*size)
	small() // what is made once, by whoever comes first
	one, two := Bytes(small), Bytes(large)
	if float64(two) > 2.5*float64(one) {
		tb.Errorf("size %d takes %d bytes, size %d takes %d: %.1f times as much", size, one, 2*size, two, float64(two)/float64(one))
	}
}

// hang is far more than any input of a fuzz target takes.
const hang = time.Minute

// Bounded runs f on an input of n bytes, for fuzz targets. It fails the test if f allocates more than base bytes and
// factor bytes for each of the input, and ends the process, with all stacks, if f takes longer than a minute.
func Bounded(tb testing.TB, n, base, factor int, f func()) {
	tb.Helper()
	watch := time.AfterFunc(hang, func() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		panic(fmt.Sprintf("an input of %d bytes takes longer than %v", n, hang))
	})
	defer watch.Stop()
	if took := Bytes(f); took > uint64(base+factor*n) {
		tb.Errorf("an input of %d bytes takes %d bytes, max %d and %d for each", n, took, base, factor)
	}
}
