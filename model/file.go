package model

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/edsrzf/mmap-go"

	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/internal/regular"
)

// lengthBytes is the size of the header length at the start of a safetensors file.
const lengthBytes = 8

// File is an open safetensors file, mapped into memory. Its methods are safe for concurrent use until Close. The
// file must not be changed while it is open. A [Guard] handles a file that is cut short meanwhile.
type File struct {
	*Header
	// Sums are the sums in the metadata, nil if there are none. The header has been checked against its own sum.
	Sums *Sums

	path    string
	mapped  mmap.MMap // nil when the bytes were not mapped
	content []byte    // the whole file
	text    []byte    // header text with its padding
	data    []byte    // what follows the header
	size    int64
}

// OpenFile maps a safetensors file and checks its header in full before any tensor can be touched.
func OpenFile(path string) (*File, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", path, pathless(err))
	}
	return f, nil
}

// openFile is OpenFile without the file's name in its errors.
func openFile(path string) (*File, error) {
	osFile, size, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer osFile.Close()
	if size == 0 { // nothing to map
		return newFile(path, nil)
	}
	if int64(int(size)) != size {
		return nil, fmt.Errorf("%d bytes, too large to map on this machine", size)
	}
	mapped, err := mmap.Map(osFile, mmap.RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", size, err)
	}
	return newMapped(path, mapped)
}

// newMapped is newFile for a mapped file. It unmaps one that has an error.
func newMapped(path string, mapped mmap.MMap) (f *File, err error) {
	fault.Register(path, mapped)
	err = Guard(func() (err error) {
		f, err = newFile(path, mapped)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, unmap(mapped))
	}
	f.mapped = mapped
	return f, nil
}

// unmap removes a mapping that was given to newMapped.
func unmap(mapped mmap.MMap) error {
	fault.Unregister(mapped)
	return mapped.Unmap()
}

// newFile checks content, the bytes of a whole safetensors file, and returns views of them.
func newFile(path string, content []byte) (*File, error) {
	f, err := parseFile(path, content)
	if err != nil {
		if other := otherFormat(content); other != nil {
			return nil, other
		}
		return nil, err
	}
	return f, nil
}

// parseFile is newFile without a look at other formats.
func parseFile(path string, content []byte) (*File, error) {
	if len(content) < lengthBytes {
		return nil, fmt.Errorf("%d bytes, too short for a header length of %d", len(content), lengthBytes)
	}
	n := binary.LittleEndian.Uint64(content)
	rest := uint64(len(content) - lengthBytes)
	if n > MaxHeader {
		return nil, fmt.Errorf("header of %d bytes, max %d", n, MaxHeader)
	}
	if n > rest {
		return nil, fmt.Errorf("header of %d bytes, only %d in the file", n, rest)
	}
	text, data := content[lengthBytes:lengthBytes+n], content[lengthBytes+n:]
	header, err := ParseHeader(text, uint64(len(data)))
	if err != nil {
		return nil, err
	}
	f := &File{Header: header, path: path, content: content, text: text, data: data, size: int64(len(content))}
	for _, t := range header.Tensors {
		t.file = f
	}
	if f.Sums, err = parseSums(header, text); err != nil {
		return nil, err
	}
	return f, nil
}

// Path returns the path the file was opened with.
func (f *File) Path() string { return f.path }

// Size returns the size of the whole file in bytes.
func (f *File) Size() int64 { return f.size }

// HeaderText returns the header as it stands in the file, with its padding. The slice is read-only
// and valid until Close.
func (f *File) HeaderText() []byte { return f.text }

// Start returns what stands before the data: the length of the header, and the header. The slice is read-only and
// valid until Close.
func (f *File) Start() []byte { return f.content[:lengthBytes+len(f.text)] }

// Content returns the whole file as it is on disk. The slice is read-only and valid until Close.
func (f *File) Content() []byte { return f.content }

// Close unmaps the file. All slices taken from it become invalid.
func (f *File) Close() error {
	mapped := f.mapped
	f.mapped, f.content, f.text, f.data = nil, nil, nil, nil
	if mapped == nil {
		return nil
	}
	if err := unmap(mapped); err != nil {
		return fmt.Errorf("safetensors: %s: unmap: %w", f.path, err)
	}
	return nil
}

// pathless removes the path from an error that would otherwise name it twice.
func pathless(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}

// A FaultError is a byte of a mapped file that could not be read: the file was cut short while it was open, or its
// disk failed.
type FaultError = fault.Error

// Guard calls f, which reads what a [File] maps, and returns the error of f. If f comes to a byte that cannot be
// read, the error wraps a [*FaultError]; without a guard the program would end there. f then ends as by a panic,
// so it must use defer to release what others wait for. A guard covers the goroutine that calls it, and no
// goroutine that f starts. Guards may be nested. A guard costs some tens of nanoseconds.
//
// Package model guards its own reads, and package runtime guards its decoding.
func Guard(f func() error) error { return fault.Guard(f) }

// otherFormats are formats that are sometimes found in place of a safetensors file, by how they begin.
var otherFormats = []struct {
	start string
	what  string
}{
	{"version https://git-lfs.github.com/spec/", "a Git LFS pointer: the file itself has not been downloaded (git lfs pull does)"},
	{"GGUF", "a GGUF file, not safetensors"},
	{"GGML", "a GGML file, not safetensors"},
	{"PK\x03\x04", "a zip archive, such as PyTorch's pickles are, not safetensors"},
	{"\x80\x02", "a Python pickle, not safetensors"},
	{"\x80\x03", "a Python pickle, not safetensors"},
	{"\x80\x04", "a Python pickle, not safetensors"},
	{"\x80\x05", "a Python pickle, not safetensors"},
	{"\x89HDF", "an HDF5 file, not safetensors"},
	{"\x93NUMPY", "a NumPy array, not safetensors"},
	{"\x1f\x8b", "a gzip archive, not safetensors"},
	{"\x28\xb5\x2f\xfd", "a zstd archive, not safetensors"},
	{"<!DOCTYPE html", "a web page, not safetensors: the download failed"},
	{"<html", "a web page, not safetensors: the download failed"},
}

// otherFormat returns an error that names the format of the content by its start, or nil for an unknown one. A
// safetensors file may begin like some of these formats, so only a file that cannot be read is looked at.
func otherFormat(content []byte) error {
	for _, f := range otherFormats {
		if bytes.HasPrefix(content, []byte(f.start)) {
			return fmt.Errorf("this is %s", f.what)
		}
	}
	return nil
}
