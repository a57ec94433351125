package templates

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/fstest"
)

// small returns valid parameters: two codes of one bit, the exponents 100 and 101.
func small(t *testing.T) *Decode {
	t.Helper()
	luts := make([]byte, 512)
	for i := range 256 {
		luts[i] = byte(100 + i/128)
	}
	luts[256+100], luts[256+101] = 1, 1
	d := &Decode{Header: "Code generated", Comment: []string{"a", "", "b"}, TableBits: 2, LongestCode: 1}
	book := DecodeBook{Base: 100, Luts: luts}
	for i := range uint8(4) {
		e, err := Entry([]uint8{i >> 1, i & 1}, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		book.Table = append(book.Table, e)
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
		"    0x64646464, 0x64646464,",
		"    0x00000122, 0x01000122, 0x10000122, 0x11000122,\n",
		"static constexpr uint32_t table_bits = 2;",
		"return {2, 0, 100};",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("source has no %q", want)
		}
	}
	// Each device file stands in the source once and above the code that includes it.
	at := -1
	for _, line := range []string{"struct Unit {", "struct Symbol {", "struct Book {", "struct Run {", "struct BlockState {", "struct Model {"} {
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
		{"table of 0 bits", func(d *Decode) { d.TableBits = 0 }, "table of 0 bits"},
		{"table of 13 bits", func(d *Decode) { d.TableBits = 13 }, "table of 13 bits"},
		{"longest code of 0 bits", func(d *Decode) { d.LongestCode = 0 }, "longest code of 0 bits"},
		{"longest code of 33 bits", func(d *Decode) { d.LongestCode = 33 }, "longest code of 33 bits"},
		{"no books", func(d *Decode) { d.Books = nil }, "0 code books"},
		{"nine books", func(d *Decode) { d.Books = make([]DecodeBook, 9) }, "9 code books"},
		{"luts of one row", func(d *Decode) { d.Books[0].Luts = d.Books[0].Luts[:256] }, "code book 0: luts of 256 bytes"},
		{"luts with a part of a row", func(d *Decode) { d.Books[0].Luts = d.Books[0].Luts[:511] }, "luts of 511 bytes"},
		{"luts of 19 rows", func(d *Decode) { d.Books[0].Luts = make([]byte, 19*256) }, "luts of 4864 bytes"},
		{"table too short", func(d *Decode) { d.Books[0].Table = d.Books[0].Table[:3] }, "3 table entries, want 4"},
		{"base too high", func(d *Decode) { d.Books[0].Base = 225 }, "base 225"},
		{"code longer than said", func(d *Decode) { d.Books[0].Luts[256+100] = 2 }, "a code of 2 bits"},
		{"entry without digits", func(d *Decode) { d.Books[0].Table[1] = 0x110 }, "table entry 1"},
		{"entry of six digits", func(d *Decode) { d.Books[0].Table[1] = 0x116 }, "table entry 1"},
		{"entry of more bits than the window", func(d *Decode) { d.Books[0].Table[2] = 0x131 }, "table entry 2"},
		{"entry with a first code longer than all", func(d *Decode) { d.Books[0].Table[3] = 0x211 }, "table entry 3"},
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

func TestEntry(t *testing.T) {
	for _, c := range []struct {
		name       string
		digits     []uint8
		first, all uint8
		want       uint32
		fails      string
	}{
		{"one digit", []uint8{15}, 3, 3, 0xf0000331, ""},
		{"five digits", []uint8{1, 2, 3, 4, 5}, 1, 12, 0x123451c5, ""},
		{"no digits", nil, 1, 1, 0, "0 digits"},
		{"six digits", make([]uint8, 6), 1, 6, 0, "6 digits"},
		{"digit 16", []uint8{16}, 1, 1, 0, "digit 16"},
		{"first code of 0 bits", []uint8{1}, 0, 1, 0, "codes of 0 and together 1 bits"},
		{"13 bits", []uint8{1}, 1, 13, 0, "together 13 bits"},
		{"first longer than all", []uint8{1}, 3, 2, 0, "codes of 3 and together 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Entry(c.digits, c.first, c.all)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("error is %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %#08x, %v, want %#08x", got, err, c.want)
			}
		})
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

// TestSourcesPlain keeps the device sources plain text of a readable width.
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
