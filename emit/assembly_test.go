package emit

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/windows"
)

// ofLengths is a model with canonical books of code lengths for symbols 120, 121, …
func ofLengths(t *testing.T, books ...[]uint8) *Input {
	t.Helper()
	p := &Input{Package: "kernels", Model: "test model"}
	for _, lengths := range books {
		var all [256]uint8
		copy(all[120:], lengths)
		b, err := codebook.NewCanonical(&all, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Books = append(p.Books, b)
	}
	return p
}

// TestAssembly checks that the books share one function, without those that cannot be decoded by windows, and that both
// files open with the header.
func TestAssembly(t *testing.T) {
	p := newPlan(t, ofLengths(t, []uint8{2, 2, 2, 3, 5}, []uint8{1, 2, 3}, []uint8{2, 2, 2, 3, 9, 10}))
	asm, stubs, err := Assembly(p)
	if err != nil {
		t.Fatal(err)
	}
	header, build := "// "+p.Header()+"\n", "\n//go:build amd64 && !purego\n"
	for name, file := range map[string][]byte{"decode_amd64.s": asm, "decode_amd64.go": stubs} {
		if !strings.HasPrefix(string(file), header+build) {
			t.Errorf("%s begins with %.200q", name, file)
		}
	}
	if n := bytes.Count(asm, []byte("TEXT ·")); n != 1 {
		t.Errorf("decode_amd64.s has %d functions, want 1", n)
	}
	if want := "\t\tdecodeWindows,\n\t\tnil,\n\t\tdecodeWindows,\n"; !bytes.Contains(stubs, []byte(want)) {
		t.Errorf("decode_amd64.go lacks %q:\n%s", want, stubs)
	}
	noasm, err := NoAssembly(p)
	if err != nil || !bytes.Contains(noasm, []byte("//go:build !amd64 || purego")) {
		t.Errorf("error %v, decode_noasm.go:\n%s", err, noasm)
	}
}

// TestNoAssembly plans books that cannot be decoded by windows: nothing is assembled.
func TestNoAssembly(t *testing.T) {
	p := newPlan(t, ofLengths(t, []uint8{1, 2, 3}))
	if asm, stubs, err := Assembly(p); asm != nil || stubs != nil || err != nil {
		t.Errorf("assembled %d bytes, stubs of %d, error %v", len(asm), len(stubs), err)
	}
	noasm, err := NoAssembly(p)
	if err != nil || bytes.Contains(noasm, []byte("//go:build")) {
		t.Errorf("error %v, decode_noasm.go:\n%s", err, noasm)
	}
	if all := ExplainCPU(p); !strings.Contains(all[0].Rows[1][0], "none") {
		t.Errorf("explained %v", all)
	}
}

// assemblyLines is the most lines of assembly that a generated package may have.
const assemblyLines = 1200

// TestAssemblyLines bounds the assembly of every shape that a book may ask for.
func TestAssemblyLines(t *testing.T) {
	for _, lengths := range [][]uint8{{2, 2, 2, 3, 5}, {2, 2, 2, 3, 5, 7, 8, 9}, {2, 2, 2, 4, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 10, 11, 12, 13}} {
		p := newPlan(t, ofLengths(t, lengths, lengths[1:]))
		asm, _, err := Assembly(p)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(asm, []byte("\n")); n > assemblyLines {
			t.Errorf("%v: %d lines of assembly, want %d at most", lengths, n, assemblyLines)
		}
	}
}

// TestShapes checks that shapes depend on the counts as they should.
func TestShapes(t *testing.T) {
	lengths := []uint8{2, 2, 2, 4, 5, 7, 8, 9, 10, 11, 12, 12}
	p := ofLengths(t, lengths)
	symbols := p.Books[0].Symbols()
	for _, tc := range []struct {
		name string
		rare uint64 // how often the long codes occur, of a million times
		long int    // steps of half a phase
	}{
		{"never", 0, 0},
		{"often", 1_000_000, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h codebook.Histogram
			for _, s := range symbols {
				h[s] = 1_000_000
				if p.Books[0].Code(s).Length > windows.ShortBits {
					h[s] = tc.rare
				}
			}
			p.Histogram, p.Counts = h, []codebook.Histogram{h}
			c := chooseWindows(p)
			if got := len(c.candidates[c.best].Long); got != tc.long {
				t.Errorf("long codes in %d steps, want %d", got, tc.long)
			}
		})
	}
}

// TestLongAlone chooses a shape for a book of long codes alone, which some shapes decode nothing of.
func TestLongAlone(t *testing.T) {
	p := ofLengths(t, slices.Repeat([]uint8{7}, 100))
	c := chooseWindows(p)
	for _, s := range c.candidates {
		if mended := s.mended; len(s.Long) == 0 && mended != 1 || math.IsNaN(s.cost) {
			t.Errorf("long codes in steps %v, wide %t: %v of windows are left to Go, at %v cycles a weight", s.Long, s.Wide, mended, s.cost)
		}
	}
	if best := c.candidates[c.best]; len(best.Long) == 0 {
		t.Error("chose a shape without long codes")
	}
}

// TestMended holds the share of windows that are left to Go to that of windows drawn at random.
func TestMended(t *testing.T) {
	p := ofLengths(t, []uint8{2, 2, 2, 4, 5, 7, 8, 9, 10, 11, 12, 12})
	b := p.Books[0]
	symbols := b.Symbols()
	var h codebook.Histogram
	for i, s := range symbols {
		h[s] = 1_000_000 >> i
	}
	tables, err := windows.NewTables(b)
	if err != nil {
		t.Fatal(err)
	}
	s := newWindowSample(b, tables, &h)
	r := rand.New(rand.NewPCG(1, 2))
	total := h.Total()
	draw := func() int {
		at := r.Uint64N(total)
		for _, symbol := range symbols {
			if at < h[symbol] {
				return int(b.Code(symbol).Length)
			}
			at -= h[symbol]
		}
		panic("unreachable")
	}
	for _, long := range longSteps {
		for _, wide := range []bool{false, len(long) > 0} {
			covers := tables.Covers(wide)
			if len(long) == 0 {
				covers = windows.ShortBits
			}
			const tries = 20_000
			failed, bit := 0, 0
			for range tries {
				late := false
				for range windows.Phases {
					codes := []int{}
					for at := bit; at < 16; at += codes[len(codes)-1] {
						codes = append(codes, draw())
					}
					late = late || !throughIn(codes, long, covers)
					for _, n := range codes {
						bit += n
					}
					bit -= 16
				}
				if late {
					failed++
				}
			}
			got, want := s.mended(long, wide), float64(failed)/tries
			if math.Abs(got-want) > 0.1*want+0.001 {
				t.Errorf("long codes in steps %v, wide %t: %.4f of windows, want %.4f", long, wide, got, want)
			}
		}
	}
}

// throughIn reports whether the steps of a phase suffice for codes.
func throughIn(codes []int, long []int, covers int) bool {
	next := 0
	for step := range windows.PhaseSteps {
		if next == len(codes) {
			return true
		}
		n := codes[next]
		looks := false
		for _, l := range long {
			looks = looks || step%4 == l
		}
		if n <= windows.ShortBits || looks && n <= covers {
			next++
		}
	}
	return next == len(codes)
}

// TestMostlyMended plans a book whose codes are all too long for the tables: it is left to other decoders.
func TestMostlyMended(t *testing.T) {
	p := newPlan(t, ofLengths(t, append([]uint8{2}, slices.Repeat([]uint8{8}, 119)...), []uint8{2, 2, 2, 3, 5}))
	_, fits, ok := p.WindowShape()
	if !ok || fits[0] || !fits[1] {
		t.Errorf("fits %v, %t", fits, ok)
	}
}
