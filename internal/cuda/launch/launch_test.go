package launch

import (
	"encoding/binary"
	"errors"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

func TestHeaviestRun(t *testing.T) {
	for _, c := range []struct {
		name    string
		symbols map[int]uint8 // exponent to code length
		want    uint8
	}{
		{"one low symbol", map[int]uint8{3: 1}, 0},
		{"one high symbol", map[int]uint8{239: 1}, 224},
		{"two apart, the shorter code counts", map[int]uint8{10: 2, 200: 1}, 186},
		{"sixteen fit", map[int]uint8{100: 1, 115: 2}, 100},
		{"sixteen from an odd one on do not", map[int]uint8{101: 2, 116: 1}, 102},
		{"seventeen do not", map[int]uint8{100: 2, 116: 1}, 102},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lengths [256]uint8
			for s, n := range c.symbols {
				lengths[s] = n
			}
			b, err := codebook.NewCanonical(&lengths, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := heaviestRun(b, nil); got != c.want {
				t.Errorf("run starts at %d, want %d", got, c.want)
			}
			if got := heaviestRun(b, new(codebook.Histogram)); got != c.want {
				t.Errorf("without weights the run starts at %d, want %d", got, c.want)
			}
		})
	}
}

// TestHeaviestRunCounts counts exponents with codes of the same length.
func TestHeaviestRunCounts(t *testing.T) {
	var lengths [256]uint8
	lengths[100], lengths[104], lengths[118] = 2, 1, 2
	b, err := codebook.NewCanonical(&lengths, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		counts codebook.Histogram
		want   uint8
	}{
		{codebook.Histogram{100: 3, 104: 9, 118: 2}, 90}, // from there on it has 100 to 105
		{codebook.Histogram{100: 2, 104: 9, 118: 3}, 104},
	} {
		if got := heaviestRun(b, &c.counts); got != c.want {
			t.Errorf("run starts at %d, want %d", got, c.want)
		}
	}
}

// TestCUDABook decodes every window with the table and with the book.
func TestCUDABook(t *testing.T) {
	const bits = 10
	var h codebook.Histogram
	for s := range 40 {
		h[90+s] = 1 << max(s, 35-s)
	}
	b, err := codebook.Canonical(&h, 14)
	if err != nil {
		t.Fatal(err)
	}
	c := NewBook(b, nil, bits, EntryDigits)
	if c.Base%2 != 0 {
		t.Errorf("base %d is odd", c.Base)
	}
	if e := c.Table[c.Pad>>(32-bits)]; e != 0 {
		t.Errorf("the pad decodes: %#08x", e)
	}
	escapes := 0
	for i, e := range c.Table {
		window := uint32(i) << (32 - bits)
		used := uint8(0)
		for k := range e >> 7 & 7 {
			d := e << (4 * k) >> 28
			symbol, length := b.Decode(window << used)
			if want := c.Base + uint8(d&7<<1|d>>3); symbol != want || length == 0 {
				t.Fatalf("window %#x, digit %d: %d, want %d with a code of %d bits", i, k, want, symbol, length)
			}
			used += length
		}
		if used > bits || uint32(used) != e&31 {
			t.Fatalf("window %#x: %d bits, want %d", i, e&31, used)
		}
		if used > 0 {
			continue
		}
		escapes++
		symbol, length := b.Decode(window)
		if outside := symbol < c.Base || symbol >= c.Base+Digits; length == 0 || length > bits || !outside {
			symbol, length = 0, 0 // nothing is told of it
		}
		if want := uint32(symbol)<<24 | uint32(length)<<16; e != want {
			t.Fatalf("window %#x: escape %#08x, want %#08x", i, e, want)
		}
	}
	if escapes == 0 {
		t.Error("no escapes")
	}
}

func TestCUDATableArgument(t *testing.T) {
	b, err := codebook.Canonical(&codebook.Histogram{118: 5, 119: 3, 121: 1}, 8)
	if err != nil {
		t.Fatal(err)
	}
	luts := b.Luts()
	arg, err := TableArgument(luts)
	if err != nil {
		t.Fatal(err)
	}
	if want := 16 + 4<<TableBits + len(luts); len(arg) != want {
		t.Errorf("%d bytes, want %d", len(arg), want)
	}
	if rows := binary.LittleEndian.Uint32(arg); int(rows) != len(luts)/256 {
		t.Errorf("%d rows, want %d", rows, len(luts)/256)
	}
	if _, err := TableArgument(luts[1:]); err == nil {
		t.Error("no error for luts with a part of a row")
	}
}

// TestCUDACauses holds the causes to the kernels' source.
func TestCUDACauses(t *testing.T) {
	source, err := os.ReadFile("../../../templates/faults.cuh")
	if err != nil {
		t.Fatal(err)
	}
	causes := map[string]Cause{
		"code_unknown": CodeUnknown, "window_end": WindowEnd, "element_count": ElementCount, "sizes": Sizes,
		"stream_end": StreamEnd, "lane_end": LaneEnd,
	}
	found := regexp.MustCompile(`uint32_t (\w+) = 1 << (\d);`).FindAllSubmatch(source, -1)
	for _, m := range found {
		name := string(m[1])
		bit, _ := strconv.Atoi(string(m[2]))
		if c, ok := causes[name]; ok && int(c) != bit || !ok && bit != 0 {
			t.Errorf("%s is bit %d, want %d", name, bit, c)
		}
		delete(causes, name)
	}
	if len(causes) > 0 {
		t.Errorf("faults.cuh lacks %v", causes)
	}
}

func TestParseCUDAError(t *testing.T) {
	if err := ParseError(0); err != nil {
		t.Error(err)
	}
	var e *Error
	if err := ParseError(2<<56 | 7<<32 | 9); !errors.As(err, &e) || *e != (Error{Cause: WindowEnd, Unit: 7, Chunk: 9}) {
		t.Errorf("got %v", err)
	}
	for tiles, want := range map[bool]string{
		false: "unit 7, chunk 9: bits that no code begins with",
		true:  "unit 7, tile 9: bits that no code begins with",
	} {
		l := Launch{Tiles: tiles}
		if err := l.ParseError(1<<56 | 7<<32 | 9); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if err := l.ParseError(0); err != nil {
			t.Error(err)
		}
	}
}

// TestCUDAShared holds chunks of as many elements as can be to the memory that a launch has without asking for more.
func TestCUDAShared(t *testing.T) {
	const limit, static = 48 << 10, 1 << 10
	l := Launch{TableBits: TableBits}
	if n := l.Shared(codebook.ChunkBits); n > limit-static {
		t.Errorf("%d bytes", n)
	}
}

func TestCUDALaunchBlocks(t *testing.T) {
	windows, tiles := Launch{Threads: 512}, Launch{Threads: 256, Tiles: true}
	for _, c := range []struct{ got, want int }{
		{windows.Blocks(0, 0), 0}, {windows.Blocks(4097, 9000), 2}, {tiles.Blocks(0, 0), 0}, {tiles.Blocks(4097, 8*2048+1), 2},
		{tiles.ProductBlocks(0, 8, 2048), 1}, {tiles.ProductBlocks(1, 8, 2048), 2}, {tiles.ProductBlocks(2047, 1, 2), 1},
		{tiles.ProductBlocks(0, 4096, 4096), 512}, {tiles.ProductBlocks(5, 4096, 19), 5}, {tiles.Shared(1 << 20), 0},
	} {
		if c.got != c.want {
			t.Errorf("got %d, want %d", c.got, c.want)
		}
	}
}
