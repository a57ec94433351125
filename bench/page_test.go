package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/internal/measure"
)

var update = flag.Bool("update", false, "write the golden file instead of comparing it")

// TestPage compares the page of made-up samples with the golden file.
func TestPage(t *testing.T) {
	d := trainedLike(4000, 1000)
	d.name, d.copies = "tiny", 3
	choice := "avx2: measured: avx512 1.0, avx2 1.2 thousand million weights a second"
	const theirs = memcpyName + " of " + htscodecsName
	contenders := []contender{
		{name: memcpyName, threads: 1, yardstick: memcpyName},
		{name: rooflineName, threads: 1, yardstick: memcpyName},
		{name: "generic", threads: 1, yardstick: memcpyName, bits: 10.75, longest: 12},
		{name: "generic", threads: 2, yardstick: memcpyName, bits: 10.75},
		{name: "generic" + smallSuffix, threads: 1, yardstick: memcpyName, bits: 10.75},
		{name: "memcpy of zipnn", threads: 1, probes: 2, yardstick: "memcpy of zipnn"},
		{name: "zipnn", threads: 1, probes: 2, yardstick: "memcpy of zipnn", bits: 10.5},
		{name: "avx512-emitted", threads: 1, yardstick: memcpyName, bits: 10.75, longest: 12},
		{name: "avx2-table", threads: 1, yardstick: memcpyName, bits: 10.75, longest: 12},
		{name: "auto", threads: 1, yardstick: memcpyName, bits: 10.75, longest: 12, choice: choice, rivals: []string{"avx512-emitted", "avx2-table", "none"}},
	}
	contenders = append(contenders,
		contender{name: "rans-avx512", threads: 1, yardstick: memcpyName, bits: 10.5, peer: htscodecsName},
		contender{name: theirs, threads: 1, probes: 2, yardstick: theirs},
		contender{name: htscodecsName, threads: 1, probes: 2, yardstick: theirs, bits: 2.75})
	products := []contender{
		{name: bf16Name, threads: 1, batch: 1, bits: 16},
		{name: bf16Name, threads: 1, batch: 8, bits: 16},
		{name: matrixRANSName, threads: 1, batch: 1, bits: 10.5},
		{name: matrixRANSName + jointSuffix, threads: 1, batch: 8, bits: 10.25},
		{name: torchName, threads: 1, batch: 1, probes: 2, bits: 16},
		{name: bf16Name, threads: 2, batch: 1, bits: 16},
		{name: matrixRANSName, threads: 2, batch: 1, bits: 10.5},
	}
	samples := make(measure.Samples, len(contenders))
	for i := range contenders {
		for r := range 24 {
			s := measure.Sample{Rate: float64(14-i) / 4, Probe: 25 * time.Microsecond, Waited: r%2 == 1}
			if r%3 == 0 || i == 6 && r > 3 { // a busy moment
				s.Rate, s.Probe = s.Rate*0.6, 50*time.Microsecond
			}
			samples[i] = append(samples[i], s)
		}
	}
	r := report{
		Date:    "2001-02-03",
		Time:    "40s",
		Machine: machine{CPU: "abacus", Cores: 2, Caches: "none", System: "wood", Go: "go1"},
		Tables: []*table{
			newTable(d, "multiply", products, samples[:len(products)]),
			newTable(d, "decode", contenders, samples),
			newTable(d, "encode", contenders[:1], samples[:1]),
		},
		Missing: []missing{{What: "dfloat11", Reason: "No module named 'dfloat11'"}},
		Wall: &wall{Model: "tiny", ModelBytes: 3 << 20, Processors: 2, Rounds: 10, Runs: []wallRun{
			{Name: "compress", Seconds: 1.5, Quartiles: [2]float64{1.25, 1.75}, CopyRatio: 1.125, PeakAnonymous: 5 << 20},
		}},
	}
	r.Picture = "page.png"
	var got bytes.Buffer
	if err := r.write(&got); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/page.md"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("page differs from %s (-want +got); -update writes it:\n%s", golden, diff)
	}
}
