package cost

import (
	"testing"
)

var sink []byte

// failing counts the failures of a test in its place.
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
