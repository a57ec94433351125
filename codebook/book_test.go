package codebook

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNewBookRefuses(t *testing.T) {
	tests := []struct {
		name  string
		codes map[uint8]Code
		eos   Code
		want  string
	}{
		{"symbol 240", map[uint8]Code{240: {1, 0}}, Code{}, "symbol 240"},
		{"33 bits", map[uint8]Code{7: {33, 0}}, Code{}, "33 bits"},
		{"bits above the length", map[uint8]Code{7: {2, 4}}, Code{}, "does not fit 2 bits"},
		{"same code", map[uint8]Code{7: {2, 1}, 8: {2, 1}}, Code{}, "7 and 8 overlap"},
		{"prefix", map[uint8]Code{7: {1, 1}, 8: {3, 6}}, Code{}, "overlap"},
		{"end of stream is a prefix", map[uint8]Code{7: {3, 0}}, Code{2, 0}, "end of stream"},
		{"first table entry open", map[uint8]Code{7: {1, 1}}, Code{1, 0}, "first table entry"},
		{"end of stream too long", map[uint8]Code{7: {3, 0}}, Code{40, 0}, "40 bits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var codes [256]Code
			for s, c := range test.codes {
				codes[s] = c
			}
			if _, err := NewBook(&codes, test.eos); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestNewBookRefusesMoreTablesThanDF11Has(t *testing.T) {
	var codes [256]Code
	for i := range 18 {
		codes[i] = Code{Length: 9, Bits: uint32(i) << 1}
	}
	if _, err := NewBook(&codes, Code{}); err == nil || !strings.Contains(err.Error(), "19 prefix tables") {
		t.Errorf("error %v, want one with the number of tables", err)
	}
	codes[16], codes[17] = Code{}, Code{}
	b, err := NewBook(&codes, Code{})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseLuts(b.Luts())
	if err != nil {
		t.Fatal(err)
	}
	if parsed.codes != b.codes {
		t.Errorf("parsed codes differ from the book's")
	}
}

// TestDecodeBeforeTheFirstCode decodes bits below the first code.
func TestDecodeBeforeTheFirstCode(t *testing.T) {
	b, err := NewBook(&[256]Code{5: {9, 1}, 6: {1, 1}}, Code{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		next           uint32
		symbol, length uint8
	}{{0, 0, 0}, {1<<23 - 1, 0, 0}, {1 << 23, 5, 9}, {1<<24 - 1, 5, 9}, {1 << 24, 0, 0}, {1 << 31, 6, 1}, {1<<32 - 1, 6, 1}} {
		if s, n := b.Decode(test.next); s != test.symbol || n != test.length {
			t.Errorf("bits %08x: symbol %d of %d bits, want %d of %d", test.next, s, n, test.symbol, test.length)
		}
	}
	if b.MinLength() != 1 || b.MaxLength() != 9 {
		t.Errorf("codes of %d to %d bits, want 1 to 9", b.MinLength(), b.MaxLength())
	}
}

func TestCodeString(t *testing.T) {
	for want, c := range map[string]Code{"-": {}, "0": {1, 0}, "1": {1, 1}, "0010": {4, 2}} {
		if got := c.String(); got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

func TestStreamBits(t *testing.T) {
	b, err := NewBook(&[256]Code{5: {3, 0}, 6: {1, 1}}, Code{})
	if err != nil {
		t.Fatal(err)
	}
	if bits, err := b.StreamBits(&Histogram{5: 10, 6: 7}); bits != 37 || err != nil {
		t.Errorf("%d bits, error %v", bits, err)
	}
	if _, err := b.StreamBits(&Histogram{5: 10, 7: 1}); err == nil || err.Error() != "codebook: symbol 7 occurs 1 times and has no code" {
		t.Errorf("error %v", err)
	}
	if _, err := b.StreamBits(&Histogram{5: 10, 240: 1}); err == nil || !containsAll(err.Error(), "240 (1 times)") {
		t.Errorf("error %v", err)
	}
}

// TestDecodeFollowsTheTables follows the tables as the published kernel does, and compares.
func TestDecodeFollowsTheTables(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, b := range testBooks(t) {
		t.Run(name, func(t *testing.T) {
			luts := b.Luts()
			lengths := luts[len(luts)-rowBytes:]
			for range 20000 {
				next := random.Uint32()
				symbol, length := b.Decode(next)
				if length == 0 {
					continue
				}
				entry := byte(0)
				for table, shift := 0, 24; ; shift -= 8 {
					entry = luts[table*rowBytes+int(next>>shift&0xff)]
					if entry < minLink {
						break
					}
					table = 256 - int(entry)
				}
				if entry != symbol || lengths[entry] != length {
					t.Fatalf("bits %08x: symbol %d of %d bits, the tables say %d of %d", next, symbol, length, entry, lengths[entry])
				}
			}
		})
	}
}

func TestCanonicalLutsCarryTheFingerprint(t *testing.T) {
	for name, b := range testBooks(t) {
		t.Run(name, func(t *testing.T) {
			luts, fingerprint := b.Luts(), b.Fingerprint()
			tag := [16]byte(luts[len(luts)-16:])
			if want := [16]byte(fingerprint[:16]); b.Canonical() && tag != want {
				t.Errorf("tag %x, want %x", tag, want)
			}
			if !b.Canonical() && tag != [16]byte{} {
				t.Errorf("tag %x in a published book", tag)
			}
		})
	}
}

// testBooks returns books of every kind: canonical under several limits, published, and degenerate.
func testBooks(t testing.TB) map[string]*Book {
	t.Helper()
	books := map[string]*Book{}
	add := func(name string, b *Book, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		books[name] = b
	}
	h := trainedHistogram()
	for _, limit := range []int{6, 8, 9, 11, 12, 16, 32} {
		b, err := Canonical(h, limit)
		add("canonical "+string(rune('A'+limit)), b, err)
	}
	b, err := Published(h)
	add("published", b, err)
	b, err = Canonical(&Histogram{120: 1}, 32)
	add("one symbol", b, err)
	b, err = Canonical(&Histogram{0: 3, 239: 1}, 32)
	add("two symbols", b, err)
	var all Histogram
	for s := range MaxSymbol + 1 {
		all[s] = 1
	}
	b, err = Canonical(&all, 8)
	add("all symbols", b, err)
	return books
}

// trainedHistogram looks like that of a trained model: the exponents of a normal distribution, with a tail of rare
// small ones.
func trainedHistogram() *Histogram {
	h := &Histogram{}
	for i, n := range []uint64{
		1, 1, 2, 5, 11, 23, 47, 90, 180, 370, 740, 1480, 2950, 5900, 11800, 23600, 47000, 93000,
		182000, 344000, 590000, 760000, 480000, 70000, 900, 12, 1,
	} {
		h[98+i] = n
	}
	return h
}
