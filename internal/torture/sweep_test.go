package torture

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// TestSweep tries a sample of the cases, others each day; BESPOKE_SEED repeats those of another.
func TestSweep(t *testing.T) {
	seed := uint64(time.Now().UTC().Unix() / (24 * 60 * 60))
	if text := os.Getenv("BESPOKE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Sweep(t.Context(), SweepOptions{Seed: seed, Sample: 12})
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, row := range r.Rows {
		cases += row.Cases
	}
	for _, fault := range r.Faults {
		t.Error(fault)
	}
	if r.Bad() > 0 || cases < 1000 {
		t.Errorf("%d of %d cases are wrong: BESPOKE_SEED=%d repeats them", r.Bad(), cases, seed)
	}
}
