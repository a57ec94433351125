package runtime

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

var loadTime = flag.Duration("load", 0, "how long TestLoad goes on, at least; a few rounds if 0")

const (
	loadRounds     = 3 // at least
	loadGoroutines = 64
	loadCalls      = 4 // of a goroutine in a round
)

// A loaded is a model under load, with its units.
type loaded struct {
	*Model
	path   string
	units  []testUnit
	checks bool
}

// loadUnits are units of several sizes and code books, in the order of their names.
func loadUnits(index codebook.Index) []testUnit {
	limited, published, long := samples.Books()[1], samples.Books()[5], samples.Books()[8]
	units := []testUnit{
		{name: "empty", book: limited.Book},
		{name: "large", book: limited.Book, weights: slices.Concat(limited.Weights, limited.Weights), splits: []uint64{3, 300_000}},
		{name: "long", book: long.Book, weights: long.Weights[:20_000]},
		{name: "published", book: published.Book, weights: published.Weights[:70_000], splits: []uint64{36_000}},
		{name: "small", book: limited.Book, weights: limited.Weights[:77]},
	}
	for i := range units {
		units[i].damage = samples.Indexed(units[i].book, units[i].weights, index)
	}
	return units
}

// TestLoad calls all methods of several models from many goroutines at once, in many rounds. Every word must be
// right, and the numbers of goroutines and of bytes must not grow. In the end the models are closed while they
// decode.
func TestLoad(t *testing.T) {
	var models []*loaded
	for index := range codebook.IndexNames() {
		units := loadUnits(codebook.Index(index))
		path := write(t, units...)
		for _, d := range onCPU() {
			if !d.Available {
				continue
			}
			l := &loaded{path: path, units: units, checks: len(models)%2 == 0}
			opts := []Option{WithDecoder(d.Name), WithWorkers(1 + len(models)%3)}
			if l.checks {
				l.Model = openSummed(t, path, units, none, opts...)
			} else {
				l.Model = closable(t, path, opts...)
			}
			models = append(models, l)
		}
	}
	var first, most loadMark
	round := 0
	begin := time.Now()
	for ; round < loadRounds || time.Since(begin) < *loadTime; round++ {
		var all sync.WaitGroup
		for g := range loadGoroutines {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				for range loadCalls {
					if err := models[r.IntN(len(models))].callSome(t.Context(), r); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		if round == 0 {
			first = takeLoadMark(0)
			continue
		}
		now := takeLoadMark(first.goroutines)
		most = loadMark{max(most.goroutines, now.goroutines), max(most.heap, now.heap)}
		if now.goroutines > first.goroutines || now.heap > 2*first.heap+16<<20 {
			t.Fatalf("round %d: %d goroutines and %d bytes, %d and %d after the first", round, now.goroutines, now.heap, first.goroutines, first.heap)
		}
	}
	t.Logf("%d calls of %d models, %d at a time: at most %d goroutines and %d KiB after a round, %d and %d after the first",
		round*loadGoroutines*loadCalls, len(models), loadGoroutines, most.goroutines, most.heap>>10, first.goroutines, first.heap>>10)
	var all, started sync.WaitGroup
	for g := range loadGoroutines {
		started.Add(1)
		all.Go(func() {
			r, l := rand.New(rand.NewPCG(99, uint64(g))), models[g%len(models)]
			err := l.callSome(t.Context(), r)
			for started.Done(); err == nil; {
				err = l.callSome(t.Context(), r)
			}
			wantClosed(t, "call", l.Model, err)
		})
	}
	started.Wait()
	for _, l := range models {
		all.Go(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A loadMark has the numbers that must not grow.
type loadMark struct {
	goroutines int
	heap       uint64 // bytes in use
}

// takeLoadMark counts goroutines and memory. It waits for goroutines that are about to end.
func takeLoadMark(want int) loadMark {
	n := goruntime.NumGoroutine()
	for range 100_000 {
		if n <= want {
			break
		}
		goruntime.Gosched()
		n = goruntime.NumGoroutine()
	}
	for range 2 { // pools are emptied by the second
		goruntime.GC()
	}
	var s goruntime.MemStats
	goruntime.ReadMemStats(&s)
	return loadMark{n, s.HeapAlloc}
}

// callSome calls a random method and checks the result. It returns the method's error, or an error that says what
// is wrong.
func (l *loaded) callSome(ctx context.Context, r *rand.Rand) error {
	u := l.units[r.IntN(len(l.units))]
	lu := l.byName[u.name]
	x := lu.coded.Tensors[r.IntN(len(lu.coded.Tensors))]
	name := x.Name
	switch what := r.IntN(9); what {
	case 0, 1:
		got := make([]uint16, len(u.weights))
		return l.compare(u.name, l.DecodeUnit(ctx, u.name, got), got, u.weights)
	case 2, 3:
		got := make([]uint16, x.To-x.From)
		return l.compare(name, l.DecodeTensor(ctx, name, got), got, u.weights[x.From:x.To])
	case 4:
		first := r.IntN(x.To - x.From + 1)
		got := make([]uint16, r.IntN(x.To-x.From-first+1))
		return l.compare(name, l.DecodePart(ctx, name, first, got), got, u.weights[x.From+first:][:len(got)])
	case 5:
		n := 0
		err := l.DecodeAll(ctx, func(v Unit, weights []uint16) error {
			n++
			return l.compare(v.Name, nil, weights, l.units[n-1].weights)
		})
		if err == nil && n != len(l.units) {
			return fmt.Errorf("%d visits of %d units", n, len(l.units))
		}
		return err
	case 6:
		cancelled, cancel := context.WithCancel(ctx)
		if cancel(); r.IntN(2) == 0 {
			cancelled = nil
		}
		err := l.DecodeUnit(cancelled, u.name, make([]uint16, len(u.weights)))
		if errors.Is(err, context.Canceled) || errors.Is(err, errNilContext) {
			return nil
		}
		return err
	case 7:
		_, err := l.DecodeToDevice(ctx, u.name)
		_, matrixErr := l.DeviceMatrix(name)
		if errors.Is(err, ErrClosed) {
			return err
		}
		if err == nil || matrixErr == nil || len(l.Units()) != len(l.units) || l.Decoder() != l.choice {
			return errors.New("a decoder on the CPU has weights on a GPU, or the model is another")
		}
		return nil
	default:
		m, err := Open(l.path, WithDecoder(l.choice.Name), WithWorkers(1+r.IntN(2)))
		if err != nil {
			return err
		}
		got := make([]uint16, len(u.weights))
		err = m.DecodeUnit(ctx, u.name, got)
		return errors.Join(l.compare(u.name, err, got, u.weights), m.Close())
	}
}

// compare returns the error of a method, or an error that says that the words are wrong.
func (l *loaded) compare(what string, err error, got, want []uint16) error {
	if err != nil || slices.Equal(got, want) {
		return err
	}
	i := 0
	for got[i] == want[i] {
		i++
	}
	return fmt.Errorf("%s by %v: word %d of %d is %#x, want %#x", what, l.choice, i, len(want), got[i], want[i])
}
