package model

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
)

// apply holds the units and tensors of a checkpoint against the sidecar, and takes shapes and sums from it: every
// unit is there, and every tensor of the container belongs to one of the original files.
func (s *Sidecar) apply(d *DF11) error {
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

// applyUnits takes the weights of units out of the tensors of the original files.
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
		book, err := codebook.ParseLuts(u.Stream.Luts)
		if err != nil {
			return fmt.Errorf("unit %q: %w", u.Name, err)
		}
		if have := book.Fingerprint().String(); have != want.Book {
			return fmt.Errorf("unit %q: code book %s, the checkpoint has %s", u.Name, want.Book, have)
		}
		if have := u.Stream.Index(); have != s.Index {
			return fmt.Errorf("unit %q: index %v, the checkpoint has %v", u.Name, s.Index, have)
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
			if original.DType != BF16 || original.Elements() != uint64(t.Elements) {
				return fmt.Errorf("unit %q: tensor %q is %s %v, the checkpoint has %d weights", u.Name, t.Name, original.DType, original.Shape, t.Elements)
			}
			t.Shape = original.Shape
			delete(tensors, t.Name)
		}
	}
	return nil
}

// checkSums sees to it that every tensor of the container has a sum, and that the files do not say another.
func (s *Sidecar) checkSums(d *DF11) error {
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
