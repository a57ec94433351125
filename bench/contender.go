package main

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A contender is one row of a table: something that decodes, encodes or copies pieces.
type contender struct {
	name    string
	threads int
	// probes is the number of goroutines that run a probe beside it, see measure.Contender. 0 means as many as
	// threads.
	probes int
	// yardstick names the contender that copies the words in the same process.
	yardstick string
	// bits is the coded size of a weight, or of an exponent if only exponents are coded. It is 0 if nothing is
	// coded.
	bits float64
	// longest is the length of the longest code in bits, 0 if it is not known.
	longest int
	// choice says which of our decoders the contender is, and why.
	choice string
	// rivals are the contenders among which this one had to choose.
	rivals []string
	// peer is a peer that does the same as far as possible: see row.Peer.
	peer string
	// batch is the number of vectors of a product, 0 for contenders that do not multiply.
	batch int
	// work does piece p and returns the number of weights and the time.
	work func(p int) (int, time.Duration, error)
}

// timed measures the time of work that does not measure its own.
func timed(work func(p int) (int, error)) func(int) (int, time.Duration, error) {
	return func(p int) (int, time.Duration, error) {
		start := time.Now()
		weights, err := work(p)
		return weights, time.Since(start), err
	}
}

// pieceOf returns the piece of a round. Contenders with more threads use the same memory as those with one, so
// their pieces are half of all pieces apart. Products with more vectors use the same memory as those with one, too.
func pieceOf(round int, c *contender, pieces int) int {
	if c.threads > 1 {
		round += pieces / 2
	}
	if k := slices.Index(batches, c.batch); k > 0 {
		round += k * pieces / (2 * len(batches))
	}
	return round % pieces
}

// parallel calls do(worker, i) for every i below n, with one goroutine for each worker. It returns one of the
// errors.
func parallel(workers, n int, do func(worker, i int) error) error {
	var group sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, workers)
	loop := func(w int) {
		for errs[w] == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			errs[w] = do(w, i)
		}
	}
	for w := 1; w < workers; w++ {
		group.Go(func() { loop(w) })
	}
	loop(0)
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// probeCount is probes, or threads if probes is 0.
func (c *contender) probeCount() int { return cmp.Or(c.probes, c.threads) }

// The names of the contenders that only move memory.
const (
	memcpyName   = "memcpy"
	memcpyBlocks = "memcpy-64KiB"
	rooflineName = "roofline"
)
