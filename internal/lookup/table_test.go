package lookup

import (
	"math/bits"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// books are code books with short and long codes, and one with numbers that begin with no code.
func books(t *testing.T) map[string]*codebook.Book {
	t.Helper()
	var steep, flat codebook.Histogram
	for k := range codebook.MaxLength {
		steep[100+k] = 1 << k
	}
	for s := range 200 {
		flat[s] = 1
	}
	all := map[string]*codebook.Book{}
	for name, h := range map[string]*codebook.Histogram{"steep": &steep, "flat": &flat} {
		b, err := codebook.Canonical(h, 32)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = b
	}
	var codes [256]codebook.Code
	codes[1] = codebook.Code{Length: 3, Bits: 0b010}
	codes[2] = codebook.Code{Length: 20, Bits: 0b1000_0000_0000_0000_0001}
	codes[3] = codebook.Code{Length: 32, Bits: 0xffff_fffe}
	codes[4] = codebook.Code{Length: 12, Bits: 0}
	holes, err := codebook.NewBook(&codes, codebook.Code{Length: 32, Bits: 0xffff_ffff})
	if err != nil {
		t.Fatal(err)
	}
	all["holes"] = holes
	return all
}

func TestTable(t *testing.T) {
	for name, b := range books(t) {
		t.Run(name, func(t *testing.T) {
			table := NewTable(b)
			for i, want := range codebook.MultiTable(b, TableBits, EntrySymbols) {
				checkEntry(t, table[i], &want)
			}
		})
	}
}

func checkEntry(t *testing.T, e uint64, want *codebook.Entry) {
	t.Helper()
	n := len(want.Symbols)
	if -int(int16(e>>8)) != n || n == 0 != (e == 0) || n > 0 && uint8(e) != want.Bits {
		t.Fatalf("%#x, want %v", e, want)
	}
	for j, s := range want.Symbols {
		if got := bits.RotateLeft8(uint8(e>>(56-8*j)), 1); got != s {
			t.Fatalf("%#x: symbol %d is %d, want %d", e, j, got, s)
		}
	}
}

// TestLong looks up the numbers around both ends of the interval of every code. It finds long codes, and no others.
func TestLong(t *testing.T) {
	for name, b := range books(t) {
		list := Long(b)
		if list[0]>>32 != 0 {
			t.Errorf("%s: the list begins at %#x", name, list[0]>>32)
		}
		numbers := []uint32{0, 1<<32 - 1}
		for _, s := range b.Symbols() {
			c := b.Code(s)
			start := c.Bits << (32 - c.Length)
			end := start + uint32(1<<(32-c.Length)-1)
			numbers = append(numbers, start-1, start, start+1, end, end+1)
		}
		for _, w := range numbers {
			i := len(list) - 1
			for list[i]>>32 > uint64(w) {
				i--
			}
			symbol, length := b.Decode(w)
			if int(length) <= TableBits {
				symbol, length = 0, 0
			}
			if got := bits.RotateLeft8(uint8(list[i]>>8), 1); got != symbol || uint8(list[i]) != length {
				t.Errorf("%s: number %#x: symbol %d of %d bits, want %d of %d", name, w, got, uint8(list[i]), symbol, length)
			}
		}
	}
}
