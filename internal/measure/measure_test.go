package measure

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{1, 3, 3, 3}},
		{[]float64{4, 2}, Spread{2, 2.5, 3, 3.5}},
		{[]float64{5, 1, 3, 2, 4}, Spread{5, 2, 3, 4}},
	} {
		before := slices.Clone(tc.values)
		if diff := cmp.Diff(tc.want, NewSpread(tc.values)); diff != "" {
			t.Errorf("of %v (-want +got):\n%s", tc.values, diff)
		}
		if !slices.Equal(before, tc.values) {
			t.Errorf("%v became %v", before, tc.values)
		}
	}
}

// TestQuiet checks that samples are classified by their probes, and by nothing else.
func TestQuiet(t *testing.T) {
	us := time.Microsecond
	s := Samples{
		{{Rate: 1, Probe: 100 * us}, {Rate: 2, Probe: 119 * us, Waited: true}, {Rate: 3, Probe: 200 * us}, {Rate: 9, Probe: 150 * us}},
		{{Rate: 2, Probe: 210 * us}, {Rate: 4, Probe: 101 * us, Waited: true}, {Rate: 4, Probe: 102 * us}, {Rate: 4, Probe: 103 * us}},
	}
	probe := s.QuietProbe(0, 1)
	if probe < 100*us || probe > 101*us {
		t.Fatalf("fastest probes take %v, want about 100µs", probe)
	}
	for _, tc := range []struct {
		name      string
		got, want []int
	}{
		{"plain", s.Plain(), []int{0, 2, 3}},
		{"quiet for the first", s.Quiet(0, probe), []int{0, 1}},
		{"quiet for the second", s.Quiet(1, probe), []int{1, 2, 3}},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("%s: rounds %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	if got, want := s.QuietRatios(1, 0, probe, probe), []float64{2, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("quiet ratios %v, want %v", got, want)
	}
	if got := s.QuietRatios(0, 1, probe, probe/2); got != nil {
		t.Errorf("quiet ratios %v to what was never quiet", got)
	}
	if got, want := s.Ratios(0, 1, s.Plain()), []float64{0.5, 0.75, 2.25}; !slices.Equal(got, want) {
		t.Errorf("ratios %v, want %v", got, want)
	}
}

// TestOver checks that a part is as quiet as the less quiet one of what it is made of.
func TestOver(t *testing.T) {
	s := Samples{
		{{Rate: 3, Probe: 1}, {Rate: 3, Probe: 5, Waited: true}},
		{{Rate: 2, Probe: 4}, {Rate: 4, Probe: 2, Waited: true}},
	}
	want := []Sample{{Rate: 1.5, Probe: 4}, {Rate: 0.75, Probe: 5, Waited: true}}
	if got := s.Over(0, 1); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestRun checks that contenders take turns, and which rounds are counted.
func TestRun(t *testing.T) {
	var turns []string
	contender := func(name string) Contender {
		return Contender{Name: name, Probes: 1, Work: func(round int) (int, time.Duration, error) {
			turns = append(turns, name)
			return 10 + round, 5, nil
		}}
	}
	s, err := Run(t.Context(), []Contender{contender("a"), contender("b"), contender("c")}, Options{WarmUp: 1, Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	// A disturbed measurement may have been repeated.
	if got, want := strings.Join(slices.Compact(turns), ""), "abc"+"bca"+"cab"+"abc"; got != want {
		t.Errorf("turns %s, want %s", got, want)
	}
	if got, want := s.Rates(1, s.Plain()), []float64{12.0 / 5}; !slices.Equal(got, want) {
		t.Errorf("rates %v, want %v", got, want)
	}
	if got := len(s.Plain()); got != 1 {
		t.Errorf("%d rounds did not wait, want every second one", got)
	}
}

func TestRunEnds(t *testing.T) {
	broken := errors.New("broken")
	fails := Contender{Name: "mill", Probes: 1, Work: func(int) (int, time.Duration, error) { return 0, 0, broken }}
	if _, err := Run(t.Context(), []Contender{fails}, Options{Rounds: 1}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "mill") {
		t.Errorf("error %v, want that of mill", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, []Contender{fails}, Options{Rounds: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}
