package rans

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/seed54244801/bespoke/encode/internal/parallel"
	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// An Encoder codes weights with one table. It may be used by several goroutines at once.
type Encoder struct {
	form     rans.Form
	table    []byte
	tables   *states.EncodeTables
	portable *portable
}

// New returns an encoder for a table, which must be valid for the form. It does not keep the table.
func New(f rans.Form, t *rans.Table) (*Encoder, error) {
	if f > rans.Joint {
		return nil, fmt.Errorf("encode: rans: %v", f)
	}
	if err := t.Validate(f); err != nil {
		return nil, err
	}
	a := t.Alias()
	return &Encoder{f, t.Bytes(), states.NewEncodeTables(f, t, a), newPortable(t, a)}, nil
}

// Encode codes weights in blocks of the given number of weights, the last one with what is left. It uses at most the given
// number of goroutines, or GOMAXPROCS if that is 0. The stream is the same for any number. If into is not nil, the stream
// replaces what it holds, in the same memory if that is large enough. If the weights are in a mapped file that was cut short,
// the goroutine that calls Encode gets the fault, and into holds anything.
func (e *Encoder) Encode(into *rans.Stream, weights []byte, blockWeights, workers int) (*rans.Stream, error) {
	if len(weights)%2 != 0 {
		return nil, fmt.Errorf("encode: rans: %d bytes, want whole bfloat16 words", len(weights))
	}
	if blockWeights < 1 || blockWeights > rans.MaxBlock {
		return nil, fmt.Errorf("encode: rans: blocks of %d weights, want 1 to %d", blockWeights, rans.MaxBlock)
	}
	s := into
	if s == nil {
		s = new(rans.Stream)
	}
	n := len(weights) / 2
	*s = rans.Stream{Form: e.form, Weights: n, BlockWeights: blockWeights, Table: append(s.Table[:0], e.table...), Index: s.Index, Blocks: s.Blocks[:0], Plane: s.Plane}
	blocks := s.Len()
	s.Index = grow(s.Index, indexBytes*blocks)
	planeBytes := e.form.PlaneBytes(blockWeights)
	last := n - max(0, blocks-1)*blockWeights
	s.Plane = grow(s.Plane, max(0, blocks-1)*planeBytes+e.form.PlaneBytes(last))
	// A worker codes as many blocks side by side as the assembly can, if there are enough for all workers.
	together := 1
	if blockWeights <= pairWeights && blocks >= states.EncodeBlocks*parallel.Workers(workers, blocks) {
		together = states.EncodeBlocks
	}
	coded := queue{blocks: s.Blocks, all: blocks}
	turns := (blocks + together - 1) / together
	all := make([]struct {
		works [states.EncodeBlocks]work
		block []byte
	}, parallel.Workers(workers, turns))
	parallel.Do(turns, workers, func(worker, turn int) {
		mine := &all[worker]
		first := turn * together
		var works []*work
		for i := first; i < min(blocks, first+together); i++ {
			part, plane := weights[2*i*blockWeights:], s.Plane[i*planeBytes:]
			w := &mine.works[i-first]
			e.begin(w, plane[:min(len(plane), planeBytes)], part[:min(len(part), 2*blockWeights)])
			works = append(works, w)
		}
		e.wholeSteps(works...)
		for k, w := range works {
			var c Coded
			mine.block, c = e.end(w, mine.block[:0])
			c.put(s.Index[indexBytes*(first+k):])
			coded.put(first+k, mine.block)
		}
	})
	s.Blocks = coded.blocks
	return s, nil
}

// pairWeights is the largest size of blocks that are coded side by side. The weights of two of them, and what is made of
// them, stay in the second level of cache, from which the checksums read them again.
const pairWeights = 1 << 17

// indexBytes is the size of an entry of the index.
const indexBytes = 16

// put writes an entry of the index.
func (c *Coded) put(entry []byte) {
	binary.LittleEndian.PutUint32(entry, uint32(c.Words))
	binary.LittleEndian.PutUint32(entry[4:], uint32(c.Patches))
	binary.LittleEndian.PutUint64(entry[8:], c.Sum)
}

// A queue puts coded blocks in order, one behind the other. Those that come too early wait in memory of their own.
type queue struct {
	mu      sync.Mutex
	blocks  []byte
	next    int // the first block that is missing
	all     int
	waiting map[int][]byte
}

// put adds block i. It does not keep b.
func (q *queue) put(i int, b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i != q.next {
		if q.waiting == nil {
			q.waiting = map[int][]byte{}
		}
		q.waiting[i] = append([]byte(nil), b...)
		return
	}
	for ok := true; ok; b, ok = q.waiting[q.next] {
		delete(q.waiting, q.next)
		q.append(b)
		q.next++
	}
}

// append appends a block. If it has to allocate memory, it assumes that the other blocks are as large as those so far on
// average.
func (q *queue) append(b []byte) {
	if size := len(q.blocks) + len(b); size > cap(q.blocks) {
		expected := float64(size) / float64(q.next+1) * float64(q.all) * 1.01
		q.blocks = append(make([]byte, 0, max(size, int(expected))), q.blocks...)
	}
	q.blocks = append(q.blocks, b...)
}

// grow returns a slice of length n with any contents. It uses the memory of s if that is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n)
}
