package codebook

import (
	"bytes"
	"testing"
)

// lutsOf returns tables of zeros, except for the given entries, and a row of lengths.
func lutsOf(rows int, entries map[int]byte, lengths map[uint8]uint8) []byte {
	luts := make([]byte, rows*rowBytes)
	for i, v := range entries {
		luts[i] = v
	}
	for s, n := range lengths {
		luts[(rows-1)*rowBytes+int(s)] = n
	}
	return luts
}

// filled sets the entries [from, to) to v.
func filled(entries map[int]byte, from, to int, v byte) map[int]byte {
	for i := from; i < to; i++ {
		entries[i] = v
	}
	return entries
}

func TestParseLuts(t *testing.T) {
	half := func() map[int]byte { return filled(map[int]byte{}, 128, 256, 7) } // 0 in the lower half, 7 in the upper
	tests := []struct {
		name  string
		luts  []byte
		codes map[uint8]string // of the book that is found, by symbol
		eos   string
		want  string // or the error
	}{
		{"two codes", lutsOf(2, half(), map[uint8]uint8{0: 1, 7: 1}), map[uint8]string{0: "0", 7: "1"}, "-", ""},
		{"a code and the end of stream", lutsOf(2, half(), map[uint8]uint8{0: 1, 7: 2}), map[uint8]string{0: "0", 7: "10"}, "11", ""},
		{"two holes", lutsOf(2, half(), map[uint8]uint8{0: 2, 7: 2}), map[uint8]string{0: "00", 7: "10"}, "-", ""},
		{"a hole of no power of two", lutsOf(2, half(), map[uint8]uint8{0: 1, 7: 3}), map[uint8]string{0: "0", 7: "100"}, "-", ""},
		{"a hole in the middle", lutsOf(2, filled(half(), 64, 128, 5), map[uint8]uint8{0: 3, 5: 2, 7: 1}), map[uint8]string{0: "000", 5: "01", 7: "1"}, "001", ""},
		{"a hole that starts no code", lutsOf(2, filled(filled(half(), 32, 96, 4), 96, 128, 5), map[uint8]uint8{0: 3, 5: 3, 7: 1}),
			map[uint8]string{0: "000", 5: "011", 7: "1"}, "-", ""},
		{"of nothing", lutsOf(2, nil, nil), nil, "-", ""},
		{"second table", lutsOf(3, filled(filled(filled(map[int]byte{}, 1, 256, 255), 256, 384, 3), 384, 512, 4), map[uint8]uint8{0: 8, 3: 9, 4: 9}),
			map[uint8]string{0: "00000000", 3: "000000010", 4: "000000011"}, "-", ""},
		{"as many tables as there can be", lutsOf(18, half(), map[uint8]uint8{0: 1, 7: 1}), map[uint8]string{0: "0", 7: "1"}, "-", ""},

		{"empty", nil, nil, "", "luts of 0 bytes, want 2 to 18 rows of 256"},
		{"one row", lutsOf(1, nil, nil), nil, "", "luts of 256 bytes"},
		{"a table too many", lutsOf(19, half(), map[uint8]uint8{0: 1, 7: 1}), nil, "", "luts of 4864 bytes"},
		{"part of a row", lutsOf(2, nil, nil)[1:], nil, "", "luts of 511 bytes"},
		{"33 bits", lutsOf(2, nil, map[uint8]uint8{9: 33}), nil, "", "symbol 9 has a code of 33 bits"},
		{"no place", lutsOf(2, half(), map[uint8]uint8{0: 1, 9: 2}), nil, "", "symbol 9 has 2 bits and stands in no table"},
		{"a link behind the last table", lutsOf(3, map[int]byte{3: 254}, map[uint8]uint8{0: 1}), nil, "", "table 0 entry 3 links to table 2 of 2"},
		{"a link far behind", lutsOf(2, map[int]byte{0: 240}, map[uint8]uint8{0: 1}), nil, "", "table 0 entry 0 links to table 16 of 1"},
		{"longer than the table's", lutsOf(2, half(), map[uint8]uint8{0: 1, 7: 9}), nil, "", "symbol 7 has 9 bits and stands in no table"},
		{"shorter than the table's", lutsOf(3, filled(map[int]byte{255: 255}, 256, 512, 5), map[uint8]uint8{0: 1, 5: 8}), nil, "",
			"symbol 5 has 8 bits and stands in no table"},
		{"where its code cannot start", lutsOf(2, filled(half(), 32, 96, 5), map[uint8]uint8{7: 1, 5: 2}), nil, "", "symbol 5 has 2 bits and stands in no table"},
		{"with an entry of another", lutsOf(2, filled(half(), 200, 201, 5), map[uint8]uint8{0: 1, 7: 1}), nil, "", "symbol 7 has 1 bits and stands in no table"},
		{"with its last entry of another", lutsOf(2, filled(half(), 255, 256, 5), map[uint8]uint8{0: 1, 7: 1}), nil, "", "symbol 7 has 1 bits"},
		{"a table that nothing links to", lutsOf(3, filled(map[int]byte{}, 256, 512, 5), map[uint8]uint8{0: 1, 5: 9}), nil, "", "symbol 5 has 9 bits"},
		{"a root that nothing links to", lutsOf(3, filled(map[int]byte{}, 256, 512, 5), map[uint8]uint8{0: 1, 5: 1}), nil, "",
			"symbol 5 has 1 bits and stands in no table"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := ParseLuts(test.luts)
			if test.want != "" {
				if err == nil || !containsAll(err.Error(), test.want) {
					t.Errorf("error %v, want one with %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for s, code := range test.codes {
				if got := b.Code(s).String(); got != code {
					t.Errorf("symbol %d has code %s, want %s", s, got, code)
				}
			}
			if got := b.EndOfStream().String(); len(b.Symbols()) != len(test.codes) || got != test.eos {
				t.Errorf("%d symbols and end of stream %s, want %d and %s", len(b.Symbols()), got, len(test.codes), test.eos)
			}
		})
	}
}

// TestTablesInOrder checks that tables are laid out by the length of their prefixes, then by their bits, in
// whatever order the codes come.
func TestTablesInOrder(t *testing.T) {
	codes := [256]Code{1: {17, 0}, 2: {9, 2}, 3: {17, 0x10000}, 4: {10, 0x3fc}}
	b, err := NewBook(&codes, Code{})
	if err != nil {
		t.Fatal(err)
	}
	luts := b.Luts()
	if rows := len(luts) / rowBytes; rows != 8 {
		t.Fatalf("%d rows, want 8", rows)
	}
	for entry, want := range map[int]byte{
		0:         255, // table 1: prefix 00
		1:         254, // table 2: prefix 01
		0x80:      253, // table 3: prefix 80
		0xff:      252, // table 4: prefix ff
		256:       251, // table 5: prefix 00 00
		3 * 256:   250, // table 6: prefix 80 00
		2 * 256:   2,
		4*256 + 0: 4,
		5*256 + 0: 1,
	} {
		if luts[entry] != want {
			t.Errorf("entry %d of table %d is %d, want %d", entry%256, entry/256, luts[entry], want)
		}
	}
}

// TestLutsOfNothing checks that the tables of a book without codes are zeros.
func TestLutsOfNothing(t *testing.T) {
	b, err := NewCanonical(&[256]uint8{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Luts(), make([]byte, 2*rowBytes)) {
		t.Errorf("luts %v", b.Luts())
	}
	if s, n := b.Decode(0); s != 0 || n != 0 {
		t.Errorf("symbol %d of %d bits", s, n)
	}
}
