package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed54244801/bespoke/internal/measure"
	"github.com/seed54244801/bespoke/internal/plot"
	"github.com/seed54244801/bespoke/internal/ui"
)

// sampleReport has one decoder with few quiet moments, and one that was not measured with two threads.
func sampleReport() *report {
	some := func(all, quiet float64, n int) *measured {
		return &measured{All: measure.Spread{N: 20, Median: all}, Quiet: measure.Spread{N: n, Median: quiet}}
	}
	t := &table{Data: "model", Do: "decode", Copies: 2, Rows: []*row{
		{Impl: memcpyName, Threads: 1, Rate: some(2, 3, 20)},
		{Impl: memcpyName, Threads: 2, Rate: some(4, 5, 20)},
		{Impl: "rans-avx512", Threads: 1, Bits: 10.5, Rate: some(1, 2, 20), Memcpy: some(0.5, 1.5, 20), Peer: &rival{htscodecsName, some(1.75, 2.25, 20)}},
		{Impl: "rans-avx512-joint", Threads: 1, Bits: 10.25, Rate: some(1, 2, 20), Memcpy: some(0.75, 1.125, fewQuiet-1)},
		{Impl: "rans-generic", Threads: 1, Bits: 10.5},
		{Impl: "generic", Threads: 1, Bits: 10.75, Rate: some(1, 2, 20)},
		{Impl: htscodecsName, Threads: 1, Bits: 2.625, Memcpy: some(0.375, 0.25, 20)},
		{Impl: "avx512-emitted", Threads: 1, Rate: some(1, 2, 20), Memcpy: some(0.875, 1.25, 20)},
		{Impl: "auto", Threads: 1, Rate: some(1, 2, 20), Memcpy: some(0.75, 1.125, fewQuiet-1)},
		{Impl: "avx512-emitted", Threads: 2, Rate: some(1, 2, 20), Memcpy: some(0.625, 1.375, 20)},
		{Impl: "avx512-emitted" + smallSuffix, Threads: 1, Rate: some(1, 2, 20), Memcpy: some(0.125, 0.25, 20)},
	}}
	t.Probe = map[int]time.Duration{1: 1, 2: 1}
	encode := &table{Data: "model", Do: "encode", Probe: t.Probe}
	multiply := &table{Data: "model", Do: "multiply", Probe: t.Probe, Rows: []*row{
		{Impl: bf16Name, Threads: 1, Batch: 1, Rate: some(2, 3, 20)},
		{Impl: matrixRANSName, Threads: 1, Batch: 1, Plain: some(1.125, 1.375, 20)},
		{Impl: matrixRANSName, Threads: 1, Batch: 16, Plain: some(0.875, 0.625, fewQuiet-1)},
		{Impl: torchName, Threads: 1, Batch: 1, Plain: some(0.5, 0.25, 20)},
		{Impl: matrixRANSName, Threads: 2, Batch: 1, Plain: some(1, 1.5, 20)},
	}}
	return &report{Tables: []*table{multiply, t, encode}}
}

// TestSummary checks that there is a row for each data set, with the decoders of large units.
func TestSummary(t *testing.T) {
	var got [][]string
	for _, s := range sampleReport().Summary() {
		for _, r := range s.Rows {
			line := []string{ui.Plural(uint64(s.Threads), "thread"), r.Data, both(r.Memcpy)}
			for _, m := range r.Of {
				line = append(line, both(m))
			}
			got = append(got, line)
		}
	}
	want := [][]string{
		{"1 thread", "model × 2", "2.00 / 3.00", "0.50 / 1.50", "0.75 / –", "–", "–", "0.88 / 1.25", "–", "–", "0.75 / –", "–"},
		{"2 threads", "model × 2", "4.00 / 5.00", "–", "–", "–", "–", "0.62 / 1.38", "–", "–", "–", "–"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// TestProductSummary checks that there is a row for each contender that multiplied, with a figure for each batch.
func TestProductSummary(t *testing.T) {
	var got [][]string
	for _, s := range sampleReport().ProductSummary() {
		for _, r := range s.Rows {
			line := []string{ui.Plural(uint64(s.Threads), "thread"), r.Data, r.Impl}
			for _, m := range r.Of {
				line = append(line, both(m))
			}
			got = append(got, line)
		}
	}
	want := [][]string{
		{"1 thread", "model", matrixRANSName, "1.12 / 1.38", "–", "0.88 / –", "–"},
		{"1 thread", "model", torchName, "0.50 / 0.25", "–", "–", "–"},
		{"2 threads", "model", matrixRANSName, "1.00 / 1.50", "–", "–", "–"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
}

// TestRANSSummary checks the line against htscodecs and the sizes.
func TestRANSSummary(t *testing.T) {
	r := sampleReport()
	peers := r.PeerSummary()
	if len(peers) != 1 || len(peers[0].Of) != len(r.PeerColumns()) {
		t.Fatalf("%+v for %v, want one row", peers, r.PeerColumns())
	}
	if got := both(peers[0].Of[0]) + ", " + both(peers[0].Of[1]) + ", " + both(peers[0].Peer.Memcpy); got != "1.75 / 2.25, –, 0.38 / 0.25" {
		t.Errorf("against htscodecs: %s", got)
	}
	want := []sizeSummary{{Data: "model", Exponent: 10.5, Joint: 10.25, DF11: 10.75}}
	if diff := cmp.Diff(want, r.Sizes()); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
}

// TestDraw draws the figures of the summary.
func TestDraw(t *testing.T) {
	r := sampleReport()
	var picture bytes.Buffer
	if err := r.draw(&picture, "svg"); err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]int{"model × 2": 2, "1.50": 1, "1.25": 1, "0.75": 1, "1.38": 1, "rans-avx512": 1, "avx512-emitted": 1, "auto": 0} {
		if got := strings.Count(picture.String(), ">"+said+"<"); got != want {
			t.Errorf("%q is said %d times, want %d", said, got, want)
		}
	}
	path := t.TempDir() + "/none.png"
	empty := new(report)
	if err := empty.writePicture(path); err != nil || empty.Picture != "" {
		t.Errorf("picture %q of nothing, error %v", empty.Picture, err)
	}
	if err := r.writePicture(path); err != nil || r.Picture != "none.png" {
		t.Errorf("picture %q, error %v", r.Picture, err)
	}
	if !plot.Is("svg", picture.Bytes()) {
		t.Errorf("not an SVG: %.40s", picture.String())
	}
}

func TestPicturePath(t *testing.T) {
	for page, want := range map[string]string{"docs/BENCHMARKS.md": "docs/benchmarks.png", "page": "page.png", "/a.b/Page.md": "/a.b/page.png"} {
		if got := picturePath(page); got != want {
			t.Errorf("picture of %s is %s, want %s", page, got, want)
		}
	}
}
