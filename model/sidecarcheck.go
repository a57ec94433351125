package model

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/codebook"
)

// Check holds the sidecar to its rules: paths that stay in the folder and appear once, sizes and
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
		}
	}
	for _, f := range s.Files {
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			if paths[dir] {
				return fmt.Errorf("file %q lies in %q, which is a file too", f.Path, dir)
			}
		}
	}
	return nil
}

// check checks one file and parses its header.
func (f *SidecarFile) check() (err error) {
	if err := CheckPath(f.Path); err != nil {
		return err
	}
	if err := f.FileSum.check(); err != nil {
		return err
	}
	if f.Kind != Copied && f.Stored != "" || f.Kind != Inline && f.Text != "" || f.Kind != Safetensors && f.Header != "" {
		return fmt.Errorf("kind %q does not go with the other fields", f.Kind)
	}
	switch f.Kind {
	case Copied:
		return CheckPath(f.StoredPath())
	case Inline:
		if sum := SumOf([]byte(f.Text)); sum != f.FileSum {
			return fmt.Errorf("text has %v, the file %v", sum, f.FileSum)
		}
		return nil
	case Safetensors:
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
	return fmt.Errorf("kind %q is unknown", f.Kind)
}

// apply checks the units of a checkpoint against the sidecar and takes their shapes from it.
func (s *Sidecar) apply(units []*Unit) error {
	tensors := map[string]*Tensor{}
	for i := range s.Files {
		for _, t := range s.Files[i].Tensors() {
			tensors[t.Name] = t
		}
	}
	books := map[string]string{}
	for _, u := range s.Units {
		books[u.Name] = u.Book
	}
	if len(books) != len(units) {
		return fmt.Errorf("%d units, the checkpoint has %d", len(books), len(units))
	}
	for _, u := range units {
		book, err := codebook.ParseLuts(u.Stream.Luts)
		if err != nil {
			return fmt.Errorf("unit %q: %w", u.Name, err)
		}
		want, ok := books[u.Name]
		if !ok {
			return fmt.Errorf("unit %q of the checkpoint is not listed", u.Name)
		}
		if have := book.Fingerprint().String(); have != want {
			return fmt.Errorf("unit %q: code book %s, the checkpoint has %s", u.Name, want, have)
		}
		if have := u.Stream.Index(); have != s.Index {
			return fmt.Errorf("unit %q: index %v, the checkpoint has %v", u.Name, s.Index, have)
		}
		for i := range u.Tensors {
			t := &u.Tensors[i]
			original := tensors[t.Name]
			if original == nil {
				return fmt.Errorf("unit %q: tensor %q is in none of the original files", u.Name, t.Name)
			}
			if original.DType != BF16 || original.Elements() != uint64(t.Elements) {
				return fmt.Errorf("unit %q: tensor %q is %s %v, the checkpoint has %d weights", u.Name, t.Name, original.DType, original.Shape, t.Elements)
			}
			t.Shape = original.Shape
		}
	}
	return nil
}
