package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/plot"
	"github.com/seed54244801/bespoke/runtime"
)

var benchWeights = flag.Int("weights", 64<<20, "number of weights of the benchmarks")

// BenchmarkDecode times the decoders of this process, one piece of the weights in each iteration. A piece that
// fits the last cache may lie in it.
func BenchmarkDecode(b *testing.B) {
	run := bench{threads: []int{1, 2}}
	d := trainedLike(*benchWeights, 4<<20)
	ours, err := run.ourDecoders(d)
	if err != nil {
		b.Fatal(err)
	}
	planes, _, err := run.planes(d)
	if err != nil {
		b.Fatal(err)
	}
	for _, list := range [][]contender{copies(d, run.threads), ours, planes} {
		benchmark(b, d, list)
	}
}

// BenchmarkMultiply times products in the same way.
func BenchmarkMultiply(b *testing.B) {
	run := bench{threads: []int{1, 2}}
	d := trainedLike(*benchWeights, 4<<20).inUnitsOf(4<<20).matrices(4<<20, 0)
	list, err := run.products(d)
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, d, list)
}

// BenchmarkEncode times the encoders of this process in the same way.
func BenchmarkEncode(b *testing.B) {
	run := bench{threads: []int{1, 2}}
	d := trainedLike(*benchWeights, 4<<20)
	_, planes, err := run.planes(d)
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, d, run.ourEncoders(d))
	benchmark(b, d, planes)
}

func benchmark(b *testing.B, d *dataSet, list []contender) {
	for _, c := range list {
		name := fmt.Sprintf("impl=%s/threads=%d", c.name, c.threads)
		if c.batch > 0 {
			name += fmt.Sprintf("/batch=%d", c.batch)
		}
		b.Run(name, func(b *testing.B) {
			total, piece := 0, 0
			for b.Loop() {
				n, _, err := c.work(piece % len(d.pieces))
				if err != nil {
					b.Fatal(err)
				}
				total += n
				piece++
			}
			b.SetBytes(2 * int64(total) / int64(b.N))
			b.ReportMetric(float64(total)/float64(b.Elapsed().Nanoseconds()), "Gweights/s")
		})
	}
}

// TestRun measures a little with every contender that is available here.
func TestRun(t *testing.T) {
	b := bench{
		models: paths{list: []string{"nosuch/model", "../testdata/shakespeare-llama"}}, weights: 1 << 19, piece: 1 << 17,
		threads: []int{1, 2}, python: "python3", dir: t.TempDir(),
	}
	b.opts.Rounds = 2
	folder := t.TempDir()
	if err := b.run(context.Background(), folder+"/PAGE.md", "nowall.json"); err != nil {
		t.Fatal(err)
	}
	if picture, err := os.ReadFile(folder + "/page.png"); err != nil || !plot.Is("png", picture) {
		t.Errorf("no picture beside the page, error %v", err)
	}
	if page, err := os.ReadFile(folder + "/PAGE.md"); err != nil || !bytes.Contains(page, []byte("](page.png)")) {
		t.Errorf("no picture on the page, error %v", err)
	}
	if !b.missed("model") {
		t.Errorf("nothing said of a model that is not there: %v", b.report.Missing)
	}
	if len(b.report.Tables) != 6 {
		t.Fatalf("%d tables, want products, decode and encode of two data sets", len(b.report.Tables))
	}
	for i, copies := range []int{8, 2, 2} { // few of its tensors are large enough for products
		if first := b.report.Tables[i]; first.Data != "shakespeare-llama" || first.Copies != copies || first.Weights < leastPieces<<17 {
			t.Errorf("first are %d copies of %s, %d weights, want %d of shakespeare-llama", first.Copies, first.Data, first.Weights, copies)
		}
	}
	for _, table := range b.report.Tables {
		if table.Do == "multiply" {
			b.checkProducts(t, table)
			continue
		}
		want := []string{memcpyName, memcpyBlocks, "klauspost-zstd-1", "klauspost-huff0"}
		if table.Do == "decode" {
			want = append(want, rooflineName, ransName(runtime.Generic), runtime.Generic, runtime.Auto)
			for _, family := range []string{runtime.AVX512, runtime.AVX2} {
				if b.available(family) {
					want = append(want, ransName(family), tableName(family), tableName(family)+"-published")
				}
			}
			if b.available(runtime.AVX512) {
				want = append(want, emittedName(runtime.AVX512), ransName(runtime.AVX512)+jointSuffix)
			}
			b.checkChoice(t, table)
		} else {
			want = append(want, "bespoke-rans", "bespoke-rans"+jointSuffix, "bespoke-df11")
		}
		for _, kind := range peerKinds {
			if table.Do == "encode" || kind.decodes {
				want = append(want, kind.name)
			}
		}
		for _, name := range want {
			if !table.has(name) && !b.missed(name) {
				t.Errorf("%s %s: neither measured nor missing: %s", table.Do, table.Data, name)
			}
		}
		for _, r := range table.Rows {
			if r.Rate.All.Median <= 0 && table.Rounds > 0 {
				t.Errorf("%s %s: %s, threads %d: rate %+v", table.Do, table.Data, r.Impl, r.Threads, r.Rate)
			}
			if about(r.Impl) == "" {
				t.Errorf("nothing is said about %s", r.Impl)
			}
		}
	}
	for _, m := range b.report.Missing {
		t.Logf("without %s: %s", m.What, m.Reason)
	}
}

// checkProducts checks that all products were measured, and that torch was where rows are long enough.
func (b *bench) checkProducts(t *testing.T, table *table) {
	t.Helper()
	for _, name := range append([]string{bf16Name}, productColumns...) {
		if about(name) == "" {
			t.Errorf("nothing is said about %s", name)
		}
		for _, batch := range batches {
			for _, n := range b.threads {
				r := table.product(name, n, batch)
				switch {
				case name == torchName && (table.Copies > 0 || b.missed(torchName) || n > 1 || !slices.Contains(peerBatches, batch)):
					if r != nil {
						t.Errorf("%s: %s of %d vectors with %d threads", table.Data, name, batch, n)
					}
				case r == nil || r.Rate.All.N > 0 && r.Rate.All.Median <= 0 || name != bf16Name && r.Plain == nil:
					t.Errorf("%s: %s of %d vectors with %d threads: row %+v", table.Data, name, batch, n, r)
				}
			}
		}
	}
}

// checkChoice checks that the chosen decoder is compared with all that could have been chosen.
func (b *bench) checkChoice(t *testing.T, table *table) {
	t.Helper()
	rivals := len(b.families())
	for _, r := range table.rows(func(r *row) bool { return strings.HasPrefix(r.Impl, runtime.Auto) }) {
		if len(r.Rivals) != rivals {
			t.Errorf("%s: %s has rivals %v, want %d", table.Data, r.Impl, r.Rivals, rivals)
		}
		for _, rival := range r.Rivals {
			if strings.HasSuffix(rival.Impl, smallSuffix) != strings.HasSuffix(r.Impl, smallSuffix) {
				t.Errorf("%s: %s is held against %s", table.Data, r.Impl, rival.Impl)
			}
		}
		if name := r.Chosen(); rivals > 0 && !slices.Contains(b.families(), name) {
			t.Errorf("%s: %s chose %q", table.Data, r.Impl, name)
		}
	}
}

func (t *table) has(impl string) bool { return t.row(impl, 1) != nil }

func (b *bench) missed(what string) bool {
	for _, m := range b.report.Missing {
		if m.What == what {
			return true
		}
	}
	return false
}

// TestUnpackPeers writes the sources over those of an earlier run.
func TestUnpackPeers(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		sources, err := unpackPeers(dir)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(sources, "zstd.c")
		want, err := peerSources.ReadFile("peers/zstd.c")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("other sources than are embedded, error %v", err)
		}
		if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPeerMissing asks for peers that are not available.
func TestPeerMissing(t *testing.T) {
	d := trainedLike(1<<16, 1<<15)
	for _, kind := range []peerKind{
		{name: "a library that is not there", source: "zstd.c", library: "nosuchlibrary"},
		{name: "a program that ends at once", source: "nosuch.py"},
	} {
		b := bench{threads: []int{1}, python: "false", dir: t.TempDir()}
		peers, err := b.startPeers(t.Context(), []peerKind{kind}, d)
		if err != nil || len(peers) != 0 || !b.missed(kind.name) {
			t.Errorf("%s: %d peers, error %v, missing %v", kind.name, len(peers), err, b.report.Missing)
		}
	}
}
