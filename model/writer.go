package model

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Entry is a tensor to be written to a safetensors file.
type Entry struct {
	Name  string
	DType DType
	Shape []uint64
	// Write writes the tensor's bytes, exactly as many as DType and Shape take.
	Write func(io.Writer) error
	// Data holds the bytes if they are at hand. It is for callers: only what Write writes counts.
	Data []byte
}

// EntryOf returns an entry that copies a tensor.
func EntryOf(t *Tensor) Entry {
	return BytesEntry(t.Name, t.DType, t.Shape, t.Bytes())
}

// BytesEntry returns an entry whose bytes are at hand.
func BytesEntry(name string, dtype DType, shape []uint64, data []byte) Entry {
	return Entry{Name: name, DType: dtype, Shape: shape, Data: data, Write: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// Size returns the number of bytes the entry takes.
func (e *Entry) Size() (uint64, error) { return byteSize(e.DType, e.Shape) }

// SortEntries puts entries in the order of the reference writer: the widest dtype first, then by
// name, so that every tensor starts at a multiple of its element size.
func SortEntries(entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if a.DType != b.DType {
			return b.DType.rank() - a.DType.rank()
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// headerEntry is what a header says of a tensor.
type headerEntry struct {
	DType   DType     `json:"dtype"`
	Shape   []uint64  `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// HeaderText returns the header of a file that holds the entries in the given order, padded with spaces to a
// multiple of 8 bytes as the reference writer does. It does not call the Write functions of the entries.
func HeaderText(entries []Entry, metadata map[string]string) ([]byte, error) {
	text, err := buildHeader(entries, metadata)
	return text, prefixed(err)
}

// buildHeader is HeaderText without the prefix of its errors.
func buildHeader(entries []Entry, metadata map[string]string) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	member := func(name string, value any) error {
		if text.Len() > 1 {
			text.WriteByte(',')
		}
		for i, v := range []any{name, value} {
			if err := enc.Encode(v); err != nil {
				return err
			}
			text.Truncate(text.Len() - 1) // the encoder ends with a line feed
			if i == 0 {
				text.WriteByte(':')
			}
		}
		return nil
	}
	text.WriteByte('{')
	if metadata != nil {
		if err := member(metadataKey, metadata); err != nil {
			return nil, fmt.Errorf("%s: %w", metadataKey, err)
		}
	}
	at := uint64(0)
	for i := range entries {
		e := &entries[i]
		size, err := e.Size()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.Name, err)
		}
		if at+size < at {
			return nil, fmt.Errorf("tensor %q: %d bytes after %d exceed 2^64-1", e.Name, size, at)
		}
		if err := member(e.Name, headerEntry{e.DType, append([]uint64{}, e.Shape...), [2]uint64{at, at + size}}); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.Name, err)
		}
		at += size
	}
	text.WriteByte('}')
	for text.Len()%8 != 0 {
		text.WriteByte(' ')
	}
	// Parsing the text finds errors that a single entry does not show: a name that appears twice, is not UTF-8 or
	// is reserved, or a header that is too long.
	h, err := ParseHeader(text.Bytes(), at)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if h.Tensor(entries[i].Name) == nil {
			return nil, fmt.Errorf("tensor name %q cannot be written", entries[i].Name)
		}
	}
	if _, ok := metadata[sumsHeader]; ok {
		seal(text.Bytes())
	}
	return text.Bytes(), nil
}

// Write writes a whole safetensors file to w: the entries in the given order.
func Write(w io.Writer, entries []Entry, metadata map[string]string) error {
	return prefixed(write(w, entries, metadata))
}

// write is Write without the prefix of its errors.
func write(w io.Writer, entries []Entry, metadata map[string]string) error {
	text, err := buildHeader(entries, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(FileStart(text)); err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		size, err := e.Size()
		if err != nil {
			return err
		}
		if err := writeTensor(w, e.Name, size, e.Write); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile creates a safetensors file, which must not exist, and syncs it to disk. When it fails
// it leaves no file behind.
func WriteFile(path string, entries []Entry, metadata map[string]string) error {
	return createFile(path, func(w io.Writer) error { return write(w, entries, metadata) })
}

// FileStart returns what stands before the data in a file with the given header text: the length of the header,
// and the header.
func FileStart(header []byte) []byte {
	start := binary.LittleEndian.AppendUint64(make([]byte, 0, lengthBytes+len(header)), uint64(len(header)))
	return append(start, header...)
}

// writeTensor lets write produce the bytes of one tensor, and checks their number.
func writeTensor(w io.Writer, name string, size uint64, write func(io.Writer) error) error {
	exact := &exactWriter{w: w, left: size}
	if err := write(exact); err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	if exact.left != 0 {
		return fmt.Errorf("tensor %q: %d bytes written, must be %d", name, size-exact.left, size)
	}
	return nil
}

// exactWriter passes on at most left bytes.
type exactWriter struct {
	w    io.Writer
	left uint64
}

func (e *exactWriter) Write(p []byte) (int, error) {
	if uint64(len(p)) > e.left {
		return 0, fmt.Errorf("%d bytes too many", uint64(len(p))-e.left)
	}
	n, err := e.w.Write(p)
	e.left -= uint64(n)
	return n, err
}

// createFile creates path, lets write fill it through a buffer and syncs it.
func createFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("safetensors: %s: %w", path, pathless(err))
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(fmt.Errorf("safetensors: %s: %w", path, err), os.Remove(path))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// prefixed adds the package prefix to an error.
func prefixed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("safetensors: %w", err)
}
