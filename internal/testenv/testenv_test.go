package testenv

import "testing"

func TestRequired(t *testing.T) {
	for list, want := range map[string]bool{"": false, "cxx": true, "ptxas, cxx": true, "cxxx,cx": false} {
		t.Setenv("BESPOKE_REQUIRE", list)
		if Required("cxx") != want {
			t.Errorf("%q requires cxx: %v, want %v", list, !want, want)
		}
	}
}

func TestPick(t *testing.T) {
	for value, want := range map[string]int{"": 3, "0": 3, "1": 20} {
		t.Setenv("BESPOKE_LONG", value)
		if got := Pick(3, 20); got != want {
			t.Errorf("BESPOKE_LONG=%q: %d, want %d", value, got, want)
		}
	}
}
