package templates

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed54244801/bespoke/rans"
)

// shape is a valid shape if tableBits is valid.
func shape(tableBits int) Shape {
	return Shape{TableBits: tableBits, EntryDigits: 5, Lookups: 7, Windows: 2, MergeSteps: 3, LaneLookups: 18}
}

// small returns valid parameters: the exponents 100 and 101, and an end of stream, with codes of 1, 2 and 2 bits.
func small(t *testing.T) *Decode {
	t.Helper()
	luts := make([]byte, 512)
	for i := range 256 {
		luts[i] = byte(100 + i/128)
	}
	luts[256+100], luts[256+101] = 1, 2
	d := &Decode{Header: "Code generated", Comment: []string{"a", "", "b"}, Shape: shape(MinTableBits)}
	book := DecodeBook{
		Codes:       []DecodeCode{{Bits: 0b0, Length: 1, Exponent: 100, Comment: "75 %"}, {Bits: 0b10, Length: 2, Exponent: 101}},
		EndOfStream: "11", Base: 100, Pad: 0xc0000000, Luts: luts, Table: make([]uint32, 1<<MinTableBits),
	}
	for i := range book.Table[:3<<(MinTableBits-2)] {
		book.Table[i] = 0x00000081
		if i>>(MinTableBits-1) != 0 {
			book.Table[i] = 0x80000082
		}
	}
	d.Books = []DecodeBook{book}
	return d
}

func TestRender(t *testing.T) {
	out, err := small(t).Render()
	if err != nil {
		t.Fatal(err)
	}
	text := string(out)
	if want := "// Code generated\n//\n// a\n//\n// b\n"; !strings.HasPrefix(text, want) {
		t.Errorf("source starts with %.60q, want %q", text, want)
	}
	for _, want := range []string{
		"        {0b0, 1, 100},   // 75 %\n        {0b10, 2, 101},\n        // 11 ends the stream\n    };",
		"{codes_0, 2, 2, 100, 0xc0000000,\n         {0x00000000, 0x00000000, 0x00000000, 0x00000000}, 0x00000002, 0x",
		"static constexpr unsigned table_bits = 11;",
		"static constexpr unsigned lookups = 7;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("source has no %q", want)
		}
	}
	// Each device file must be in the source once, above the code that includes it.
	at := -1
	for _, line := range []string{"struct ModelPart {", "struct Unit {", "struct Symbol {", "struct Book {", "struct Digits {", "struct BlockState {", "struct Model : ModelPart {"} {
		if n := strings.Count(text, line); n != 1 {
			t.Errorf("%q stands in the source %d times", line, n)
		}
		next := strings.Index(text, line)
		if next < at {
			t.Errorf("%q stands too early", line)
		}
		at = next
	}
}

// TestParts checks that the text behind the model's part is the same in the sources of two models.
func TestParts(t *testing.T) {
	kernels := func(d *Decode) string {
		out, err := d.Render()
		if err != nil {
			t.Fatal(err)
		}
		_, kernels, found := strings.Cut(string(out), "// The kernels\n")
		if !found {
			t.Fatal("no heading")
		}
		return kernels
	}
	one, two := small(t), small(t)
	two.Header, two.Comment = "Code generated from another", nil
	two.Shape = Shape{TableBits: MinTableBits, EntryDigits: 4, Lookups: 8, Windows: 1, MergeSteps: 2, LaneLookups: 12}
	two.Books = append(two.Books, small(t).Books[0])
	if kernels(one) != kernels(two) {
		t.Error("what is behind the models differs")
	}
}

func TestChecksum(t *testing.T) {
	const fnv = 0xcbf29ce484222325
	prime := uint64(0x100000001b3)
	if got, want := checksum([]uint32{1}, []uint32{2}), ((fnv^1)*prime^2)*prime; got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func TestFunctions(t *testing.T) {
	if len(functions) > 10 {
		t.Errorf("%d functions, want at most 10", len(functions))
	}
	if _, err := parse("no such template"); err == nil {
		t.Error("no error for a template that does not exist")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Decode)
		want string
	}{
		{"no header", func(d *Decode) { d.Header = "" }, "no header"},
		{"header of two lines", func(d *Decode) { d.Header = "a\nb" }, "comment line"},
		{"comment that swallows the next line", func(d *Decode) { d.Comment = []string{`a\`} }, "comment line"},
		{"table of 10 bits", func(d *Decode) { d.TableBits = 10 }, "10 bits of the table, want 11 to 12"},
		{"table of 13 bits", func(d *Decode) { d.TableBits = 13 }, "13 bits of the table"},
		{"no digits", func(d *Decode) { d.EntryDigits = 0 }, "0 digits an entry, want 1 to 5"},
		{"six digits", func(d *Decode) { d.EntryDigits = 6 }, "6 digits an entry"},
		{"no lookups", func(d *Decode) { d.Lookups = 0 }, "0 lookups a window, want 1 to 8"},
		{"nine lookups", func(d *Decode) { d.Lookups = 9 }, "9 lookups a window"},
		{"three windows", func(d *Decode) { d.Windows = 3 }, "3 windows a thread, want 1 to 2"},
		{"no steps", func(d *Decode) { d.MergeSteps = 0 }, "0 merge steps a window, want 1 to 4"},
		{"no lookups of a lane", func(d *Decode) { d.LaneLookups = 0 }, "0 lookups a lane"},
		{"ten lookups of a lane", func(d *Decode) { d.LaneLookups = 10 }, "10 lookups a lane"},
		{"33 lookups of a lane", func(d *Decode) { d.LaneLookups = 33 }, "33 lookups a lane"},
		{"no books", func(d *Decode) { d.Books = nil }, "0 code books"},
		{"nine books", func(d *Decode) { d.Books = make([]DecodeBook, 9) }, "9 code books"},
		{"luts of one row", func(d *Decode) { d.Books[0].Luts = d.Books[0].Luts[:256] }, "code book 0: luts of 256 bytes"},
		{"luts with a part of a row", func(d *Decode) { d.Books[0].Luts = d.Books[0].Luts[:511] }, "luts of 511 bytes"},
		{"luts of 19 rows", func(d *Decode) { d.Books[0].Luts = make([]byte, 19*256) }, "luts of 4864 bytes"},
		{"table too short", func(d *Decode) { d.Books[0].Table = d.Books[0].Table[:3] }, "3 table entries, want 2048"},
		{"base too high", func(d *Decode) { d.Books[0].Base = 226 }, "base 226"},
		{"odd base", func(d *Decode) { d.Books[0].Base = 99 }, "base 99"},
		{"entry without digits", func(d *Decode) { d.Books[0].Table[1] = 0x001 }, "table entry 1"},
		{"entry of half a digit", func(d *Decode) { d.Books[0].Table[1] = 0x041 }, "table entry 1"},
		{"entry of three digits, two at most", func(d *Decode) { d.EntryDigits, d.Books[0].Table[1] = 2, 0x183 }, "table entry 1"},
		{"entry of six digits", func(d *Decode) { d.Books[0].Table[1] = 0x306 }, "table entry 1"},
		{"entry of more bits than the window", func(d *Decode) { d.Books[0].Table[2] = 0x08c }, "table entry 2"},
		{"entry of more digits than bits", func(d *Decode) { d.Books[0].Table[3] = 0x182 }, "table entry 3"},
		{"escape of a code that is no escape's", func(d *Decode) { d.Books[0].Table[4] = 0x780c0000 }, "table entry 4 is the escape 0x780c0000"},
		{"escape without a length", func(d *Decode) { d.Books[0].Table[4] = 0x78000000 }, "table entry 4"},
		{"escape to a link", func(d *Decode) { d.Books[0].Table[4] = 0xf00b0000 }, "table entry 4"},
		{"code without bits", func(d *Decode) { d.Books[0].Codes[0].Length = 0 }, "code 0 of exponent 100 is 0x0 in 0 bits"},
		{"code of 33 bits", func(d *Decode) { d.Books[0].Codes[1].Length = 33 }, "code 1 of exponent 101"},
		{"code with bits above its length", func(d *Decode) { d.Books[0].Codes[0].Bits = 2 }, "code 0 of exponent 100"},
		{"code of a link", func(d *Decode) { d.Books[0].Codes[1].Exponent = 240 }, "code 1 of exponent 240"},
		{"codes out of order", func(d *Decode) { c := d.Books[0].Codes; c[0], c[1] = c[1], c[0] }, "code 1, of exponent 100, does not follow"},
		{"code that begins with another", func(d *Decode) { d.Books[0].Codes[1].Bits = 1 }, "code 1, of exponent 101, does not follow"},
		{"code with another length in the luts", func(d *Decode) { d.Books[0].Luts[256+101] = 3 }, "code 1, of exponent 101, has 2 bits, those of the luts 3"},
		{"two codes of an exponent", func(d *Decode) { c := d.Books[0].Codes; c[1].Exponent = 100 }, "code 1, of exponent 100, has 2 bits, those of the luts 0"},
		{"code that is not there", func(d *Decode) { d.Books[0].Codes = d.Books[0].Codes[:1] }, "exponent 101 has a length in the luts and no code"},
		{"comment beside a code that swallows the next", func(d *Decode) { d.Books[0].Codes[0].Comment = `\` }, "comment line"},
		{"end of stream of two lines", func(d *Decode) { d.Books[0].EndOfStream = "1\n1" }, "comment line"},
		{"pad that is a code", func(d *Decode) { d.Books[0].Pad = 0x80000000 }, "the pad 0x80000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := small(t)
			c.edit(d)
			out, err := d.Render()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
			if out != nil {
				t.Error("source together with an error")
			}
		})
	}
}

func TestTable(t *testing.T) {
	out, err := (&Table{Header: "Code generated", Shape: shape(MinTableBits)}).Render()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"// Code generated\n", "static constexpr uint32_t table_bits = 11;", "decode_native_table("} {
		if !strings.Contains(string(out), want) {
			t.Errorf("source has no %q", want)
		}
	}
	for _, bad := range []Table{{}, {Header: "a", Shape: shape(13)}, {Shape: shape(12)}, {Header: "a"}} {
		if _, err := bad.Render(); err == nil {
			t.Errorf("no error for %+v", bad)
		}
	}
}

func TestRans(t *testing.T) {
	both := []rans.Form{rans.Exponent, rans.Joint}
	out, err := (&Rans{Header: "Code generated", Comment: []string{"Of a model.", ""}, Forms: both, Tables: []RansTable{{"first", make([]uint32, 64)}}}).Render()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(out), "// Code generated\n//\n// Of a model.\n//\n//\n") {
		t.Errorf("source starts with %.80q", out)
	}
	for _, want := range []string{
		"\ndecode_rans(", "\ndecode_rans_joint(", "\nmatvec_rans(", "\nmatvec_rans_joint(", "\nmatvec_rans_join(",
		"rans_tables[1][64] = {\n    // 0: first\n    {\n        0x00000000, 0x00000000,",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("source has no %q", want)
		}
	}
	if strings.Contains(string(out), "#include") {
		t.Error("source does not stand alone: it includes a file")
	}
	if out, err = (&Rans{Header: "Code generated", Forms: both[1:]}).Render(); err != nil || strings.Contains(string(out), "decode_rans(") ||
		strings.Contains(string(out), "rans_tables") {
		t.Errorf("%v, or there is what was not asked for", err)
	}
	for _, bad := range []Rans{
		{},
		{Header: "a"},
		{Forms: both},
		{Header: "a\nb", Forms: both},
		{Header: "a", Forms: []rans.Form{2}},
		{Header: "a", Forms: both, Comment: []string{`b\`}},
		{Header: "a", Forms: both, Tables: []RansTable{{"b", make([]uint32, 63)}}},
		{Header: "a", Forms: both, Tables: []RansTable{{"b\n", make([]uint32, 64)}}},
	} {
		if _, err := bad.Render(); err == nil {
			t.Errorf("no error for %+v", bad)
		}
	}
}

func TestInline(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	files := fstest.MapFS{
		"a.cuh": file("// a\n#pragma once\n\n#include \"b.cuh\"\n#include \"c.cuh\"\n\na\n"),
		"b.cuh": file("#pragma once\n#include \"c.cuh\"\nb\n"),
		"c.cuh": file("c\n"),
		"d.cuh": file("#include \"none.cuh\"\n"),
	}
	got, err := inline(files, "a.cuh")
	if want := "\nc\n\nb\n\n// a\n\na\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := inline(files, "d.cuh"); err == nil || !strings.Contains(err.Error(), "none.cuh") {
		t.Errorf("error is %v, want one that names none.cuh", err)
	}
}

// TestSourcesPlain checks that the device sources are plain text of a readable width.
func TestSourcesPlain(t *testing.T) {
	entries, err := sources.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := sources.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range bytes.Split(text, []byte("\n")) {
			if len(line) > 120 || bytes.IndexFunc(line, func(r rune) bool { return r > math.MaxInt8 || r == '\t' || r == '\r' }) >= 0 {
				t.Errorf("%s:%d: %q", e.Name(), n+1, line)
			}
		}
	}
}
