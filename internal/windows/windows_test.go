package windows

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
)

// lengths makes a canonical book of code lengths for symbols 100, 101, …
func lengths(t *testing.T, of ...uint8) *codebook.Book {
	t.Helper()
	var all [256]uint8
	copy(all[100:], of)
	b, err := codebook.NewCanonical(&all, 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWindowTables looks up all numbers of 16 bits. A table must have the code at the top of the number if it
// covers that code, and must have no code otherwise.
func TestWindowTables(t *testing.T) {
	var h codebook.Histogram
	for s := range 20 {
		h[110+s] = 1 << min(s, 14)
	}
	published, err := codebook.Published(&h)
	if err != nil {
		t.Fatal(err)
	}
	var codes [256]codebook.Code // long codes that begin with no common bits
	for s, bits := range []uint32{0, 0x7e, 0x7f} {
		codes[100+s] = codebook.Code{Length: 7, Bits: bits}
	}
	codes[110] = codebook.Code{Length: 2, Bits: 2}
	apart, err := codebook.NewBook(&codes, codebook.Code{})
	if err != nil {
		t.Fatal(err)
	}
	if Astray < codebook.WindowBits+1<<codebook.GapBits {
		t.Errorf("a length of %d may lead to a gap", Astray)
	}
	for name, b := range map[string]*codebook.Book{
		"apart":     apart,
		"short":     lengths(t, 2, 2, 2, 3),
		"six":       lengths(t, 2, 2, 2, 3, 4, 5, 6),
		"steep":     lengths(t, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17),
		"prefix":    lengths(t, 2, 2, 2, 3, 4, 7, 7, 7, 7, 11, 12, 12),
		"flat":      lengths(t, 3, 3, 3, 3, 3, 4, 7, 7, 7, 7),
		"one":       lengths(t, 2),
		"one long":  lengths(t, 2, 9),
		"published": published,
	} {
		t.Run(name, func(t *testing.T) {
			tables, err := NewTables(b)
			if err != nil {
				t.Fatal(err)
			}
			if none := tables.None[31]; tables.Lengths[none] != 0 || tables.Symbols[none] != NoSymbol {
				t.Errorf("index %d, that of none, has a code", none)
			}
			for w := range uint32(1 << 16) {
				symbol, length := b.Decode(w << 16)
				short, at := length, w>>10
				switch {
				case length > ShortBits:
					short = 0
				case length == 0 && tables.Lengths[at] == Astray:
					short = Astray
				}
				checkEntryOfWindow(t, w, tables.Symbols[at], tables.Lengths[at], symbol, short)
				if short != 0 {
					continue
				}
				n, i := w>>tables.Narrow.Shifts[3]&63, w>>tables.Wide.Shifts[31]&127
				checkEntryOfWindow(t, w, tables.Narrow.Symbols[n], tables.Narrow.Lengths[n], symbol, covered(length, tables.Covers(false)))
				checkEntryOfWindow(t, w, tables.Wide.Symbols[i], tables.Wide.Lengths[i], symbol, covered(length, tables.Covers(true)))
			}
		})
	}
}

// covered returns a length, or 0 if it is more than most.
func covered(length uint8, most int) uint8 {
	if int(length) > most {
		return 0
	}
	return length
}

// checkEntryOfWindow checks a symbol and a length that were looked up for a number w. A length of 0 stands for no
// code.
func checkEntryOfWindow(t *testing.T, w uint32, told, toldLength, symbol, length uint8) {
	t.Helper()
	want := lookup.Rotate(symbol)
	if length == 0 || length == Astray {
		want = NoSymbol
	}
	if told != want || toldLength != length {
		t.Fatalf("window %016b: symbol %d of %d bits, want %d of %d", w, told, toldLength, want, length)
	}
}

func TestWindowTablesErrors(t *testing.T) {
	for want, b := range map[string]*codebook.Book{
		"a code of 1 bit":         lengths(t, 1, 2, 2),
		"empty":                   lengths(t),
		"codes of at most 2 bits": lengths(t, 2, 2, 2, 2),
		"codes of at most 6 bits": lengths(t, 2, 2, 2, 3, 4, 5, 6, 6),
	} {
		if _, err := NewTables(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestWindowJob checks properties that the assembly relies on: all windows have a lane, and scratch memory starts
// at a cache line.
func TestWindowJob(t *testing.T) {
	var seen [LaneWindows]bool
	for lane := range seen {
		seen[WindowOfLane(lane)] = true
	}
	for window, ok := range seen {
		if !ok {
			t.Errorf("no lane for window %d", window)
		}
	}
	for range 100 {
		j := NewJob()
		if addr := uintptr(unsafe.Pointer(j.Scratch)); addr%64 != 0 {
			t.Fatalf("scratch memory at %#x", addr)
		}
	}
	if ScratchPlanes%64 != 0 || ScratchRows%64 != 0 || ScratchPending%64 != 0 {
		t.Error("scratch memory is not divided at cache lines")
	}
}
