package encode

import (
	"runtime"
	"sync/atomic"

	"github.com/seed54244801/bespoke/internal/fault"
)

// workers returns how many goroutines share n pieces of work, at most the given number, GOMAXPROCS if 0
// or less.
func workers(most, n int) int {
	if most <= 0 {
		most = runtime.GOMAXPROCS(0)
	}
	return max(1, min(most, n))
}

// parallel calls do(worker, 0), …, do(worker, n-1) from at most the given number of workers: goroutines,
// counted from 0. Each takes the next piece of work when it is done with one. A fault in one of them ends all, and is
// the caller's then.
func parallel(n, most int, do func(worker, i int)) {
	var next atomic.Int64
	var all fault.Group
	work := func(worker int) {
		for i := next.Add(1) - 1; i < int64(n) && !all.Failed(); i = next.Add(1) - 1 {
			do(worker, int(i))
		}
	}
	for worker := 1; worker < workers(most, n); worker++ {
		all.Go(func() { work(worker) })
	}
	all.Do(func() { work(0) })
	all.Wait()
}

// grow returns s with length n and any contents, its old memory if that is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n)
}
