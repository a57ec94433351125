package model

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

func TestOpenFile(t *testing.T) {
	const header = `{"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},"s":{"dtype":"I16","shape":[],"data_offsets":[4,6]}}  `
	dir := writeFiles(t, map[string]string{"x.safetensors": string(safetensorsBytes(header, 6))})
	path := filepath.Join(dir, "x.safetensors")
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(f.HeaderText()) != header {
		t.Errorf("header text %q", f.HeaderText())
	}
	if f.Path() != path || f.Size() != int64(8+len(header)+6) {
		t.Errorf("path %s, size %d", f.Path(), f.Size())
	}
	a, s := f.Tensor("a"), f.Tensor("s")
	if !bytes.Equal(a.Bytes(), []byte{0, 1, 2, 3}) || !bytes.Equal(s.Bytes(), []byte{4, 5}) {
		t.Errorf("bytes %v, %v", a.Bytes(), s.Bytes())
	}
	if cap(a.Bytes()) != 4 || s.Elements() != 1 || a.File() != path || f.Tensor("b") != nil {
		t.Error("a view reaches beyond its tensor, or a tensor is described wrongly")
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if a.Bytes() != nil {
		t.Error("bytes after Close")
	}
}

func TestOpenFileWithoutTensors(t *testing.T) {
	dir := writeFiles(t, map[string]string{"x.safetensors": string(safetensorsBytes("{}", 0))})
	f, err := OpenFile(filepath.Join(dir, "x.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(f.Tensors) != 0 {
		t.Error("tensors from nowhere")
	}
}

func TestOpenFileHostile(t *testing.T) {
	length := func(n uint64, rest string) string { return string(binary.LittleEndian.AppendUint64(nil, n)) + rest }
	tests := []struct{ name, content, want string }{
		{"empty", "", "0 bytes, too short"},
		{"seven bytes", "\x02\x00\x00\x00\x00\x00\x00", "7 bytes, too short"},
		{"length alone", length(2, ""), "header of 2 bytes, only 0 in the file"},
		{"header cut off", length(3, "{}"), "header of 3 bytes, only 2 in the file"},
		{"no header", length(0, ""), "does not begin with '{'"},
		{"length above the limit", length(MaxHeader+1, "{}"), "header of 100000001 bytes, max 100000000"},
		{"length of 64 bits", length(1<<64-1, "{}"), "max 100000000"},
		{"negative length", length(1<<63, "{}"), "max 100000000"},
		{"bytes behind", length(2, "{}x"), "1 bytes after the last tensor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{"x.safetensors": tt.content})
			path := filepath.Join(dir, "x.safetensors")
			_, err := OpenFile(path)
			wantError(t, err, "safetensors: "+path+": ", tt.want)
		})
	}
}

func TestOpenFileNotAFile(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenFile(dir)
	wantError(t, err, "safetensors: "+dir+": open: not a regular file")
	_, err = OpenFile(filepath.Join(dir, "none"))
	wantError(t, err, "no such file")
	_, err = OpenFile(os.DevNull)
	wantError(t, err, "not a regular file")
}
