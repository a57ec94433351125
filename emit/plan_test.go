package emit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/templates"
)

// TestDecisions changes what was decided for a plan: all that is made of the plan goes by it, and nothing decides again.
func TestDecisions(t *testing.T) {
	p := newPlan(t, ofLengths(t, []uint8{2, 2, 2, 4, 5, 7, 8, 9, 10, 11, 12, 12}))
	before, err := CUDA(p)
	if err != nil {
		t.Fatal(err)
	}
	other := p.CUDAShape()
	other.TableBits = templates.MinTableBits + templates.MaxTableBits - other.TableBits
	p.cuda = &cudaChoices{merge: p.cuda.merge, table: p.cuda.table, windows: p.cuda.windows,
		lanes: cudaChoice{candidates: []cudaCandidate{{shape: other, cost: 12345, fits: true}}}}
	p.windows.best = (p.windows.best + 1) % len(p.windows.candidates)

	if got := p.CUDAShape(); got != other {
		t.Errorf("CUDA shape %+v", got)
	}
	if after, err := CUDA(p); err != nil || bytes.Equal(before, after) {
		t.Errorf("error %v, or the kernels are as they were before", err)
	}
	source, err := Package(p, Embedding{})
	if err != nil || !bytes.Contains(source, []byte(fmt.Sprintf("TableBits: %d", other.TableBits))) {
		t.Errorf("error %v, the package describes other kernels:\n%s", err, source)
	}
	explained, err := ExplainCUDA(p)
	if err != nil || !strings.Contains(fmt.Sprint(explained), "12345.00 chosen") {
		t.Errorf("error %v, explained %v", err, explained)
	}
	shape, _, _ := p.WindowShape()
	want := p.windows.candidates[p.windows.best]
	if !slices.Equal(shape.Long, want.Long) || shape.Wide != want.Wide {
		t.Errorf("shape of windows %+v, want %+v", shape, want)
	}
	if rows := ExplainCPU(p)[0].Rows; rows[1+p.windows.best][5] != "chosen" {
		t.Errorf("explained %v", rows)
	}
	p.windows.best = -1
	if asm, _, err := Assembly(p); asm != nil || err != nil {
		t.Errorf("error %v, %d bytes of assembly where none was chosen", err, len(asm))
	}
	if noasm, err := NoAssembly(p); err != nil || bytes.Contains(noasm, []byte("//go:build")) {
		t.Errorf("error %v, decode_noasm.go:\n%s", err, noasm)
	}
}

// TestCountsDecide changes the counts of one code book of two, the first or the second: what all candidates cost
// changes with them.
func TestCountsDecide(t *testing.T) {
	lengths := []uint8{2, 2, 2, 4, 5, 7, 8, 9, 10, 11, 12, 12}
	costs := func(rare ...uint64) []float64 {
		in := ofLengths(t, lengths, lengths[:len(lengths)-1])
		in.Counts = make([]codebook.Histogram, 2)
		for i := range in.Counts {
			for s := range in.Books[i].Symbols() {
				in.Counts[i][120+s] = 1 << 20 >> lengths[s]
			}
			in.Counts[i][127] = rare[i] // its code has 9 bits
			in.Histogram.Add(&in.Counts[i])
		}
		p := newPlan(t, in)
		var all []float64
		for _, c := range p.windows.candidates {
			all = append(all, c.cost)
		}
		for _, c := range slices.Concat(p.cuda.table.candidates, p.cuda.windows.candidates, p.cuda.lanes.candidates) {
			all = append(all, c.cost)
		}
		return all
	}
	before := costs(2048, 2048)
	for i, after := range [][]float64{costs(1<<18, 2048), costs(2048, 1<<18)} {
		for k := range before {
			if before[k] == after[k] {
				t.Errorf("candidate %d costs %v, whatever the counts of code book %d are", k, before[k], i)
			}
		}
	}
}
