//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/internal/torture"
)

// TestPage checks that the committed page follows from the committed figures, and that each of these that must be
// 0 is 0.
func TestPage(t *testing.T) {
	sections, err := readSections("../../docs/reliability.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) == 0 {
		t.Fatal("no sections")
	}
	for name, s := range sections {
		if s.Bad > 0 {
			t.Errorf("%s: %d that must be 0: %q", name, s.Bad, s.Faults)
		}
	}
	page := filepath.Join(t.TempDir(), "page")
	if err := sections.writePage(page); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../docs/RELIABILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("docs/RELIABILITY.md is stale, go run ./tools/reliability -only none writes it (-page +now):\n%s", diff)
	}
}

func TestSweepTable(t *testing.T) {
	rows := []torture.SweepRow{
		{Container: "x", Own: true, Damage: "flipped", Cases: 1000, Errors: 999, Wrong: 1, Found: 1000},
		{Container: "y", Own: true, Damage: "flipped", Cases: 1, Same: 1},
		{Container: "y", Own: true, Damage: "nothing"},
		{Container: "z", Damage: "flipped", Cases: 3, Unnoticed: 3},
	}
	damage := func(r *torture.SweepRow) string { return r.Damage }
	for _, tt := range []struct {
		own  bool
		want [][]string
	}{
		{true, [][]string{
			{"flipped", "1,001", "999", "1", "0", "**1**", "0", "0", "0", "1,000", "0"},
			{"all", "1,001", "999", "1", "0", "**1**", "0", "0", "0", "1,000", "0"},
		}},
		{false, [][]string{
			{"flipped", "3", "0", "0", "0", "3", "0", "0", "0", "0", "0", "0"},
			{"all", "3", "0", "0", "0", "3", "0", "0", "0", "0", "0", "0"},
		}},
	} {
		have := sweepTable("", "damage", rows, tt.own, damage)
		if diff := cmp.Diff(tt.want, have.Rows); diff != "" {
			t.Error(diff)
		}
		if len(have.Header) != len(have.Rows[0]) {
			t.Errorf("%d columns, %d in the header", len(have.Rows[0]), len(have.Header))
		}
	}
}

func TestReadFuzz(t *testing.T) {
	const out = `example.com/a/model FuzzOne
fuzz: elapsed: 0s, gathering baseline coverage: 0/2 completed
fuzz: elapsed: 3s, execs: 17 (5/sec), new interesting: 2 (total: 4)
fuzz: elapsed: 6s, execs: 1234 (5/sec), new interesting: 3 (total: 5)
PASS
example.com/a/codebook FuzzTwo
fuzz: elapsed: 3s, execs: 9 (3/sec), new interesting: 0 (total: 1)
--- FAIL: FuzzTwo (3.04s)
`
	targets, last, err := readFuzz(strings.NewReader(out))
	want := []fuzzTarget{{"`model.FuzzOne`", 1234, 5, 0}, {"`codebook.FuzzTwo`", 9, 1, 0}}
	if diff := cmp.Diff(want, targets, cmp.AllowUnexported(fuzzTarget{})); diff != "" || err != nil || !strings.HasPrefix(last[len(last)-1], "--- FAIL") {
		t.Errorf("%s%v, %q", diff, err, last)
	}
	if _, _, err := readFuzz(strings.NewReader("")); err == nil {
		t.Error("no targets, no error")
	}
}

func TestWantedChapters(t *testing.T) {
	for only, want := range map[string]int{"": len(chapters), "none": 0, "sweep": 1, "fuzz,kill": 2} {
		if list, err := wantedChapters(only); err != nil || len(list) != want {
			t.Errorf("%q: %d chapters, %v", only, len(list), err)
		}
	}
	if _, err := wantedChapters("sweeps"); err == nil || !strings.Contains(err.Error(), `no section "sweeps"`) {
		t.Error(err)
	}
}
