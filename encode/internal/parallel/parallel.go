// Package parallel shares work among goroutines.
package parallel

import (
	"runtime"
	"sync/atomic"

	"github.com/seed54244801/bespoke/internal/fault"
)

// Workers returns how many goroutines share n pieces of work: at most the given number, or GOMAXPROCS if that is 0
// or less.
func Workers(most, n int) int {
	if most <= 0 {
		most = runtime.GOMAXPROCS(0)
	}
	return max(1, min(most, n))
}

// Do calls do(worker, 0), …, do(worker, n-1) from at most the given number of workers. Workers are
// goroutines, numbered from 0. Each takes the next piece of work when it has finished one. A fault in one of them
// ends all of them, and is passed on to the caller.
func Do(n, most int, do func(worker, i int)) {
	var next atomic.Int64
	var all fault.Group
	work := func(worker int) {
		for i := next.Add(1) - 1; i < int64(n) && !all.Failed(); i = next.Add(1) - 1 {
			do(worker, int(i))
		}
	}
	for worker := 1; worker < Workers(most, n); worker++ {
		all.Go(func() { work(worker) })
	}
	all.Do(func() { work(0) })
	all.Wait()
}
