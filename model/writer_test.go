package model

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteReadsBack(t *testing.T) {
	entries := []Entry{
		BytesEntry("b", BF16, []uint64{2, 1}, []byte{1, 2, 3, 4}),
		BytesEntry("<a&\u2028\">", U8, nil, []byte{5}),
		BytesEntry("none", I64, []uint64{0}, nil),
	}
	var out bytes.Buffer
	if err := Write(&out, entries, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	f, err := newFile("x", out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.HeaderText())%8 != 0 || f.Metadata["format"] != "pt" {
		t.Errorf("header %q", f.HeaderText())
	}
	for i, e := range entries {
		var want bytes.Buffer
		if err := e.Write(&want); err != nil {
			t.Fatal(err)
		}
		have := f.Tensors[i]
		if have.Name != e.Name || have.DType != e.DType || !bytes.Equal(have.Bytes(), want.Bytes()) {
			t.Errorf("tensor %d is %v", i, have)
		}
	}
}

// TestWriteReference compares the writer with files of the reference implementation, headers and
// padding included.
func TestWriteReference(t *testing.T) {
	paths, err := filepath.Glob("testdata/tiny-llama/[bd]f1*/*.safetensors")
	if err != nil || len(paths) != 6 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := OpenFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var entries []Entry
			for _, x := range f.Tensors {
				entries = append(entries, EntryOf(x))
			}
			var written bytes.Buffer
			if err := Write(&written, entries, f.Metadata); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(written.Bytes(), want) {
				t.Error("Write gives another file")
			}
			restored := FileStart(f.HeaderText())
			for _, x := range f.Tensors {
				restored = append(restored, x.Bytes()...)
			}
			if !bytes.Equal(restored, want) || !bytes.Equal(f.Content(), want) {
				t.Error("the parts of the file give another one")
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	writes := func(n int) func(io.Writer) error {
		return func(w io.Writer) error {
			for range n {
				if _, err := w.Write([]byte{0}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	two := []uint64{2}
	broken := errors.New("broken")
	tests := []struct {
		name    string
		entries []Entry
		want    string
	}{
		{"too few bytes", []Entry{{"a", U8, two, writes(1), nil}}, `tensor "a": 1 bytes written, must be 2`},
		{"too many bytes", []Entry{{"a", U8, two, writes(3), nil}}, `tensor "a": 1 bytes too many`},
		{"same name", []Entry{{"a", U8, two, writes(2), nil}, {"a", U8, two, writes(2), nil}}, `duplicate key "a"`},
		{"reserved name", []Entry{{"__metadata__", U8, two, writes(2), nil}}, "__metadata__"},
		{"name not UTF-8", []Entry{{"a\xff", U8, two, writes(2), nil}}, "U+FFFD"},
		{"unknown dtype", []Entry{{"a", "U7", two, writes(2), nil}}, `unknown dtype "U7"`},
		{"half a byte", []Entry{{"a", F4, []uint64{1}, writes(1), nil}}, "do not fill whole bytes"},
		{"too large", []Entry{{"a", U8, []uint64{1<<64 - 1}, nil, nil}}, "more than 2^64-1 bits"},
		{"too large together", slices.Repeat([]Entry{{"a", U8, []uint64{1<<61 - 1}, nil, nil}}, 9), "exceed 2^64-1"},
		{"fails", []Entry{{"a", U8, two, func(io.Writer) error { return broken }, nil}}, `tensor "a": broken`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.safetensors")
			err := WriteFile(path, tt.entries, nil)
			wantError(t, err, "safetensors: "+path+": ", tt.want)
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Error("a file is left behind")
			}
		})
	}
}

func TestWriteFileKeepsExisting(t *testing.T) {
	path := filepath.Join(writeFiles(t, map[string]string{"x": "old"}), "x")
	wantError(t, WriteFile(path, nil, nil), "exists")
	if have, err := os.ReadFile(path); err != nil || string(have) != "old" {
		t.Errorf("have %q, %v", have, err)
	}
}

func TestSortEntries(t *testing.T) {
	var entries []Entry
	for _, e := range []struct {
		name  string
		dtype DType
	}{{"z", U8}, {"b", BF16}, {"a", BF16}, {"f", F32}, {"h", F16}, {"i", I64}, {"c", BOOL}} {
		entries = append(entries, Entry{Name: e.name, DType: e.dtype})
	}
	SortEntries(entries)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	if diff := cmp.Diff([]string{"i", "f", "a", "b", "h", "z", "c"}, names); diff != "" {
		t.Error(diff)
	}
}
