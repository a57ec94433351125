//go:build unix

package model

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edsrzf/mmap-go"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/fault/faulttest"
)

// wantFault checks that an error is that of a file which was cut short to size bytes.
func wantFault(t *testing.T, err error, path string, size int64) {
	t.Helper()
	if e, ok := errors.AsType[*FaultError](err); !ok || e.Path != path || e.Offset < size {
		t.Errorf("error %v, want that of a byte of %s from %d on", err, path, size)
	}
}

// TestTensorFault reads the bytes of a tensor whose file is cut short.
func TestTensorFault(t *testing.T) {
	faulttest.Require(t)
	const n = 1 << 20
	header := `{"a":{"dtype":"U8","shape":[1048576],"data_offsets":[0,1048576]}}`
	dir := writeFiles(t, map[string]string{"x.safetensors": string(safetensorsBytes(header, n)), "y.safetensors": oneTensor("y")})
	path := filepath.Join(dir, "x.safetensors")
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read := func() error {
		sum := SumTensor(f.Tensor("a").Bytes())
		if sum == (TensorSum{}) {
			t.Error("no sum")
		}
		return nil
	}
	if err := Guard(read); err != nil {
		t.Error(err)
	}
	for _, size := range []int64{n / 2, 1 << 16, 0} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		wantFault(t, Guard(read), path, size)
	}
	// Another file, mapped where that one was perhaps, is another file.
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	y, err := OpenFile(filepath.Join(dir, "y.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer y.Close()
	if err := Guard(func() error { SumTensor(y.Tensor("y").Bytes()); return nil }); err != nil {
		t.Error(err)
	}
}

// TestOpenFault cuts a file short between the moment when it is mapped and the one when its header is read.
func TestOpenFault(t *testing.T) {
	faulttest.Require(t)
	dir := writeFiles(t, map[string]string{"x.safetensors": string(safetensorsBytes(`{"`+strings.Repeat("a", 1<<16)+`":{}}`, 6))})
	path := filepath.Join(dir, "x.safetensors")
	for _, size := range []int64{4096, 0} {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		mapped, err := mmap.Map(file, mmap.RDONLY, 0)
		if err := errors.Join(err, file.Close(), os.Truncate(path, size)); err != nil {
			t.Fatal(err)
		}
		_, err = newMapped(path, mapped)
		wantFault(t, err, path, size)
	}
}

// TestOpenContainerFault cuts a file of units short before its index is looked at.
func TestOpenContainerFault(t *testing.T) {
	faulttest.Require(t)
	book, err := codebook.Canonical(&codebook.Histogram{120: 3, 121: 1}, 11)
	if err != nil {
		t.Fatal(err)
	}
	weights := make([]uint16, 300_000)
	for i := range weights {
		weights[i] = codebook.Join(120, uint8(i))
	}
	stream, err := codebook.EncodeIndexed(book, weights, codebook.IndexTiles)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := WriteFile(path, UnitEntries("u", stream, nil), nil); err != nil {
		t.Fatal(err)
	}
	d, err := OpenContainer(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	wantFault(t, (&Container{Path: path, Files: d.Files}).units(nil), path, 4096)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if n := d.Units[0].Stream.Elements(); n != 0 {
		t.Errorf("a unit with %d elements after Close", n)
	}
}
