package torture

import (
	"flag"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/internal/testenv"
)

var seed = flag.Uint64("seed", uint64(time.Now().Unix()/86400), "what samples are chosen by, another each day if not given")

// TestSweep tries a sample of the cases.
func TestSweep(t *testing.T) {
	t.Logf("-seed %d", *seed)
	n := testenv.Pick(4, 12)
	r, err := Sweep(t.Context(), SweepOptions{Seed: *seed, Sample: n, SampleOthers: n})
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, row := range r.Rows {
		cases += row.Cases
	}
	t.Logf("%d cases", cases)
	for _, fault := range r.Faults {
		t.Error(fault)
	}
	if r.Bad() > 0 || cases < testenv.Pick(400, 1000) {
		t.Errorf("%d of %d cases are wrong", r.Bad(), cases)
	}
}
