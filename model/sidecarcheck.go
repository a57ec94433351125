package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/codebook"
)

// Check holds the sidecar to its rules: paths that a model's files may have and that appear once, sizes and
// hashes of the right form, headers that parse and match the size of their file.
func (s *Sidecar) Check() error {
	units, paths, tensors := map[string]bool{}, map[string]bool{}, map[string]string{}
	for _, u := range s.Units {
		if u.Name == "" || units[u.Name] {
			return fmt.Errorf("unit %q is named twice or not at all", u.Name)
		}
		units[u.Name] = true
		if hash, ok := strings.CutPrefix(u.Book, "sha256:"); !ok || !isHex(hash, len(codebook.Fingerprint{})) {
			return fmt.Errorf("unit %q: %q is not the fingerprint of a code book", u.Name, u.Book)
		}
		if CheckPath(u.File) != nil || strings.Contains(u.File, "/") || !strings.HasSuffix(u.File, Extension) {
			return fmt.Errorf("unit %q: %q is not the name of its file", u.Name, u.File)
		}
	}
	for i := range s.Files {
		f := &s.Files[i]
		if err := f.check(); err != nil {
			return fmt.Errorf("file %q: %w", f.Path, err)
		}
		if paths[f.Path] {
			return fmt.Errorf("file %q is listed twice", f.Path)
		}
		paths[f.Path] = true
		for _, t := range f.Tensors() {
			if other, ok := tensors[t.Name]; ok {
				return fmt.Errorf("file %q: tensor %q is in %q too", f.Path, t.Name, other)
			}
			tensors[t.Name] = f.Path
			if _, ok := s.Sums[t.Name]; !ok {
				return fmt.Errorf("file %q: tensor %q has no sum", f.Path, t.Name)
			}
		}
	}
	// Sorted by parts, what lies in a folder follows the folder's name.
	sorted := slices.SortedFunc(maps.Keys(paths), func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
	})
	for i := range len(sorted) - 1 {
		if strings.HasPrefix(sorted[i+1], sorted[i]+"/") {
			return fmt.Errorf("file %q lies in %q, which is a file too", sorted[i+1], sorted[i])
		}
	}
	return nil
}

// check checks one file and parses its header.
func (f *SidecarFile) check() (err error) {
	if err := CheckStoredPath(f.Path); err != nil {
		return err
	}
	if err := f.FileSum.check(); err != nil {
		return err
	}
	if f.Mode > 0o777 {
		return fmt.Errorf("mode %o has more than permission bits", f.Mode)
	}
	if f.Kind != Inline && f.Text != "" || f.Kind != Safetensors && f.Header != "" {
		return fmt.Errorf("kind %q does not go with the other fields", f.Kind)
	}
	switch f.Kind {
	case Copied:
		return nil
	case Inline:
		if !MayInline(f.Path) {
			return fmt.Errorf("kind %q, but only %s and an index are kept in the sidecar", f.Kind, ConfigName)
		}
		if sum := SumOf([]byte(f.Text)); sum != f.FileSum {
			return fmt.Errorf("text has %v, the file %v", sum, f.FileSum)
		}
		return nil
	case Safetensors:
		return f.ParseHeader()
	}
	return fmt.Errorf("kind %q is unknown", f.Kind)
}

// ParseHeader checks the header of a Safetensors file, and that it goes with the file's size.
func (f *SidecarFile) ParseHeader() (err error) {
	if !utf8.ValidString(f.Header) {
		return fmt.Errorf("header is not valid UTF-8")
	}
	if f.header, err = parseLoneHeader([]byte(f.Header)); err != nil {
		return err
	}
	data := uint64(0)
	if n := len(f.header.Tensors); n > 0 {
		data = f.header.Tensors[n-1].End
	}
	// Compared by subtraction: the end of the data may be close to 2^64.
	if before := uint64(lengthBytes + len(f.Header)); uint64(f.Size) < before || uint64(f.Size)-before != data {
		return fmt.Errorf("header of %d bytes and data of %d do not make a file of %d", len(f.Header), data, f.Size)
	}
	return nil
}
