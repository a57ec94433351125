package model

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/codebook"
)

// Check checks the rules of a sidecar: paths are allowed for files of a model and appear once, sizes and hashes
// have the right form, and headers can be parsed and match the size of their file.
func (s *Sidecar) Check() error {
	if s.Codec != "" && s.Codec != RANS {
		return fmt.Errorf("codec %q is unknown", s.Codec)
	}
	units, paths, tensors := map[string]bool{}, map[string]bool{}, map[string]string{}
	for _, u := range s.Units {
		if u.Name == "" || units[u.Name] {
			return fmt.Errorf("unit %q is named twice or not at all", u.Name)
		}
		units[u.Name] = true
		if err := s.checkBook(&u); err != nil {
			return fmt.Errorf("unit %q: %w", u.Name, err)
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
	// Sorted by their parts, the paths in a folder follow the path of the folder.
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

// checkBook checks the form of a unit's fingerprint.
func (s *Sidecar) checkBook(u *SidecarUnit) error {
	hash, ok := strings.CutPrefix(u.Book, "sha256:")
	switch {
	case s.Codec == RANS && u.Book != "":
		return fmt.Errorf("code book %q, but it is coded with rANS", u.Book)
	case s.Codec != RANS && (!ok || !isHex(hash, len(codebook.Fingerprint{}))):
		return fmt.Errorf("%q is not the fingerprint of a code book", u.Book)
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
	// The sizes are compared by subtraction, because the end of the data may be close to 2^64.
	if before := uint64(lengthBytes + len(f.Header)); uint64(f.Size) < before || uint64(f.Size)-before != data {
		return fmt.Errorf("header of %d bytes and data of %d do not make a file of %d", len(f.Header), data, f.Size)
	}
	return nil
}

// apply compares the units and tensors of a checkpoint with the sidecar, and takes shapes and sums from it. Every
// unit must be there, and every tensor of the container must belong to one of the original files.
func (s *Sidecar) apply(d *Container) error {
	tensors := map[string]*Tensor{}
	for i := range s.Files {
		for _, t := range s.Files[i].Tensors() {
			tensors[t.Name] = t
		}
	}
	if err := s.applyUnits(d.Units, tensors); err != nil {
		return err
	}
	for _, t := range d.Rest {
		original := tensors[t.Name]
		if original == nil {
			return fmt.Errorf("tensor %q of %s is in none of the original files", t.Name, t.File())
		}
		if original.DType != t.DType || !slices.Equal(original.Shape, t.Shape) {
			return fmt.Errorf("tensor %q is %s %v, that of %s is %s %v", t.Name, original.DType, original.Shape, t.File(), t.DType, t.Shape)
		}
		delete(tensors, t.Name)
	}
	if len(tensors) > 0 {
		name := sortedKeys(tensors)[0]
		err := fmt.Errorf("%d tensors of the original files are missing, %q first", len(tensors), name)
		if !slices.ContainsFunc(d.Files, func(f *File) bool { return filepath.Base(f.Path()) == RestFileName }) {
			err = fmt.Errorf("%w: there is no %s", err, RestFileName)
		}
		return err
	}
	return s.checkSums(d)
}

// applyUnits compares the units with the sidecar. It removes their weights from tensors, which are those of the
// original files.
func (s *Sidecar) applyUnits(units []*Unit, tensors map[string]*Tensor) error {
	have := map[string]*Unit{}
	for _, u := range units {
		have[u.Name] = u
	}
	for i := range s.Units {
		if u := &s.Units[i]; have[u.Name] == nil {
			return fmt.Errorf("unit %q is missing: its file is %s", u.Name, u.File)
		}
	}
	listed := map[string]*SidecarUnit{}
	for i := range s.Units {
		listed[s.Units[i].Name] = &s.Units[i]
	}
	for _, u := range units {
		want := listed[u.Name]
		if want == nil {
			return fmt.Errorf("unit %q of %s is not listed", u.Name, u.File)
		}
		if err := s.compare(u, want); err != nil {
			return fmt.Errorf("unit %q: %w", u.Name, err)
		}
		for i := range u.Tensors {
			t := &u.Tensors[i]
			original := tensors[t.Name]
			if original == nil && !u.Named {
				return fmt.Errorf("unit %q: no %s tells the names of its tensors", u.Name, ConfigName)
			}
			if original == nil {
				return fmt.Errorf("unit %q: tensor %q is in none of the original files", u.Name, t.Name)
			}
			if original.DType != BF16 || original.Elements() != uint64(t.Elements) || t.Coded != nil && !slices.Equal(original.Shape, t.Shape) {
				return fmt.Errorf("unit %q: tensor %q is %s %v, the checkpoint has %d weights", u.Name, t.Name, original.DType, original.Shape, t.Elements)
			}
			t.Shape = original.Shape
			delete(tensors, t.Name)
		}
	}
	return nil
}

// compare compares how a unit is coded with the sidecar.
func (s *Sidecar) compare(u *Unit, want *SidecarUnit) error {
	if have := u.Codec; have != cmp.Or(s.Codec, DF11) {
		return fmt.Errorf("codec %s, the checkpoint has %s", cmp.Or(s.Codec, DF11), have)
	}
	if u.Codec == RANS {
		return nil
	}
	book, err := codebook.ParseLuts(u.Stream.Luts)
	if err != nil {
		return err
	}
	if have := book.Fingerprint().String(); have != want.Book {
		return fmt.Errorf("code book %s, the checkpoint has %s", want.Book, have)
	}
	if have := u.Stream.Index(); have != s.Index {
		return fmt.Errorf("index %v, the checkpoint has %v", s.Index, have)
	}
	return nil
}

// checkSums checks that every tensor of the container has a sum, and that the files do not tell a different one.
func (s *Sidecar) checkSums(d *Container) error {
	for _, f := range d.Files {
		for _, t := range f.Tensors {
			if _, ok := s.Sums[t.Name]; !ok {
				return fmt.Errorf("tensor %q of %s has no sum", t.Name, t.File())
			}
		}
		if f.Sums == nil {
			continue
		}
		for name, sum := range f.Sums.Tensors {
			if want, ok := s.Sums[name]; !ok || sum != want {
				return fmt.Errorf("tensor %q has the sum %v, %s says %v: the two do not belong together", name, want, f.Path(), sum)
			}
		}
	}
	return nil
}
