package cost

import (
	"testing"
)

var sink []byte

// failing stands in for a test and counts its failures.
type failing struct {
	testing.TB
	failures int
}

func (f *failing) Helper()               {}
func (f *failing) Errorf(string, ...any) { f.failures++ }

func TestLinear(t *testing.T) {
	for name, tt := range map[string]struct {
		size func(n int) int
		want int
	}{
		"linear":    {func(n int) int { return n }, 0},
		"quadratic": {func(n int) int { return n * n }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := &failing{TB: t}
			Linear(f, 1000, func(n int) func() { return func() { sink = make([]byte, tt.size(n)) } })
			if f.failures != tt.want {
				t.Errorf("%d failures, want %d", f.failures, tt.want)
			}
		})
	}
}

func TestBounded(t *testing.T) {
	for size, want := range map[int]int{100 << 10: 0, 1000 << 10: 1} {
		f := &failing{TB: t}
		Bounded(f, 1024, 100<<10, 100, func() { sink = make([]byte, size) })
		if f.failures != want {
			t.Errorf("%d bytes: %d failures, want %d", size, f.failures, want)
		}
	}
}

// TestBoundedAgain lets another goroutine allocate while the bounded function runs for the first time.
func TestBoundedAgain(t *testing.T) {
	size := 1000 << 10
	Bounded(t, 1024, 100<<10, 100, func() { sink, size = make([]byte, size), 1 })
	f := &failing{TB: t}
	runs := 0
	Bounded(f, 1024, 100<<10, 100, func() { sink, runs = make([]byte, 1000<<10), runs+1 })
	if f.failures != 1 || runs != 3 {
		t.Errorf("%d failures in %d runs, want 1 in 3", f.failures, runs)
	}
}
