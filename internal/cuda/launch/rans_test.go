package launch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/rans"
)

// ransTables are tables whose layouts have buckets of every kind.
func ransTables(t *testing.T) (all []*rans.Table) {
	for _, counts := range []map[int]uint64{
		{5: 1, 6: 1},
		{5: 1 << 30, 6: 1},
		{100: 2048, 101: 1024, 102: 512, 103: 256, 104: 128, 105: 128},
		{7: 4093, 8: 1, 9: 1, 10: 1},
		{0: 128, 1: 128, 2: 3840},
	} {
		of := make([]uint64, rans.Exponent.Symbols())
		for s, n := range counts {
			of[s] = n
		}
		table, err := rans.NewTable(rans.Exponent, of)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, table)
	}
	even := &rans.Table{}
	for s := range uint16(rans.Buckets) {
		even.Symbols, even.Frequencies = append(even.Symbols, s), append(even.Frequencies, rans.Scale/rans.Buckets)
	}
	// The first symbol is a donor that has no cell of its own bucket left.
	donor := &rans.Table{Symbols: []uint16{3, 4, 5}, Frequencies: []uint16{rans.Scale - 256, 128, 128}}
	return append(all, even, donor)
}

// TestRansTable looks up every cell as kernels do.
func TestRansTable(t *testing.T) {
	for i, table := range ransTables(t) {
		a := table.Alias()
		b := RansTable(rans.Exponent, a)
		if len(b) != RansTableBytes {
			t.Fatalf("%d bytes", len(b))
		}
		word := func(i uint32) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
		for low := range uint32(1 << 16) {
			found := low>>8<<24 | 0x80<<16 | low
			place := min(found, found+word(low%rans.Buckets))
			symbol := word(rans.Buckets + place%rans.Buckets)
			wantPlace, wantRank := a.Look(uint16(low))
			if rank := place << 11 >> 16; place%rans.Buckets != uint32(wantPlace) || rank != uint32(wantRank) {
				t.Fatalf("table %d, %#x: place %d and rank %d, want %d and %d", i, low, place%rans.Buckets, rank, wantPlace, wantRank)
			}
			if symbol>>16 != uint32(a.Frequency[wantPlace]) || uint16(symbol) != a.Symbol[wantPlace]<<7 {
				t.Fatalf("table %d, %#x: symbol %#x", i, low, symbol)
			}
		}
	}
}

// TestRansCauses holds the causes to the kernels' source.
func TestRansCauses(t *testing.T) {
	source, err := os.ReadFile("../../../templates/rans.cuh")
	if err != nil {
		t.Fatal(err)
	}
	for name, cause := range map[string]Cause{
		"rans_sizes": Sizes, "state_start": StateStart, "words_end": WordsEnd, "words_left": WordsLeft,
		"state_end": StateEnd, "split_end": SplitEnd, "patch_place": PatchPlace,
	} {
		m := regexp.MustCompile(`uint32_t ` + name + ` = (\d+);`).FindSubmatch(source)
		if m == nil || string(m[1]) != strconv.Itoa(int(cause)) {
			t.Errorf("%s is %q, want %d", name, m, cause)
		}
		if cause.String() == fmt.Sprintf("fault %d", uint8(cause)) {
			t.Errorf("%s has no text", name)
		}
	}
}

func TestParseRansError(t *testing.T) {
	if err := ParseRansError(0); err != nil {
		t.Error(err)
	}
	var e *RansError
	err := ParseRansError(11<<56 | 7<<32 | 9)
	if !errors.As(err, &e) || *e != (RansError{SplitEnd, 7, 9}) || err.Error() != "matrix 7, split 9: the split does not end as the next one begins" {
		t.Errorf("error is %v", err)
	}
}

// TestRansSplitSteps makes splits longer where there are many.
func TestRansSplitSteps(t *testing.T) {
	for weights, want := range map[int]int{0: 64, 1000: 64, 200 << 20: 64, 256 << 20: 128, 1 << 30: 512, 1 << 40: 512} {
		if got := RansSplitSteps(weights); got != want {
			t.Errorf("%d weights: splits of %d steps, want %d", weights, got, want)
		}
	}
}

// TestRansCuts compares with all splits of small matrices: a row that is in several of them is cut.
func TestRansCuts(t *testing.T) {
	for n := range 4096 {
		rows, row, block, steps := 1+n%8, 1+n/8%8, 1+n/64%8, 1+n/512
		s := &rans.Stream{Weights: rows * row * rans.States, BlockWeights: block * rans.States}
		var m RansMatrix
		m.Describe(s, steps)
		cut, splits := false, 0
		for at := 0; at < rows*row; splits++ {
			end := min(at+steps, at/block*block+block, rows*row)
			cut = cut || end%row != 0
			at = end
		}
		if m.Cuts(row*rans.States) != cut && (cut || rows*row > block) || m.Splits() != splits {
			t.Fatalf("%d rows of %d steps, blocks of %d, splits of %d: cut %t, %d splits", rows, row, block, steps, m.Cuts(row*rans.States), m.Splits())
		}
	}
}

// TestCheckRansProduct refuses rows and blocks that are no whole steps.
func TestCheckRansProduct(t *testing.T) {
	for _, tc := range []struct {
		weights, block, columns int
		want                    string
	}{
		{640, 128, 64, ""}, {640, 1000, 320, ""}, {640, 100, 64, "blocks of 100 weights"}, {640, 128, 32, "rows of 32 weights"},
	} {
		err := CheckRansProduct(&rans.Stream{Weights: tc.weights, BlockWeights: tc.block}, tc.columns)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: error %v", tc, err)
		}
	}
}
