package model

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/rans"
)

// A Container is a compressed checkpoint opened for reading.
type Container struct {
	// Path is the path with which it was opened. Dir is the folder of its files.
	Path, Dir string
	// Config is the parsed config.json, nil when there is none.
	Config *Config
	// Sidecar is the file that this project's compressor leaves beside a checkpoint, nil when there is none.
	Sidecar *Sidecar
	// Files holds the open safetensors files.
	Files []*File
	// Units holds the coded units in natural order of their names.
	Units []*Unit
	// Rest holds the tensors that are not coded, in the order of the files.
	Rest []*Tensor
	// Sums holds the sum of every tensor that is stored in the files or that a unit decodes to, by name. It is nil
	// for a checkpoint without sums, such as one that other programs wrote.
	Sums map[string]TensorSum
	// Beside holds the sums of the other files of the folder, by path, as the metadata of its safetensors files
	// tell them. It is nil if they tell none. Without a sidecar, the sum of config.json has been checked.
	Beside map[string]FileSum

	patterns *matcher
	byName   map[string]*Unit
}

// A Codec is a way to code the units of a container.
type Codec string

// The codecs.
const (
	DF11 Codec = "df11" // Huffman codes, of package codebook: a stream for each unit
	RANS Codec = "rans" // of package rans: a stream for each tensor
)

// Unit is a coded unit of a container.
type Unit struct {
	// Name is the dotted path of the module, or the name of the only tensor.
	Name string
	// Codec is how the unit is coded.
	Codec Codec
	// Tensors holds the weights the stream decodes to, in its order.
	Tensors []UnitTensor
	// Named says that Tensors have the names of the original weights for certain. It is false without a
	// pattern_dict. Then a single tensor is called NAME.weight, like the weight of a Linear or Embedding, and
	// several are numbered NAME[0], NAME[1], ….
	Named bool
	// Stream holds the weights of a unit coded with DF11, as views of the mapped file. It has passed Validate.
	Stream codebook.Stream
	// File is the path of the file that holds the stream.
	File string
	// Index holds the stored tensors of the unit of which decoding it on a CPU does not prove every bit: with DF11
	// all but the codes and the sign_mantissa bytes.
	Index []*Tensor
}

// Elements returns the number of weights.
func (u *Unit) Elements() int {
	if u.Codec != RANS {
		return u.Stream.Elements()
	}
	n := 0
	for i := range u.Tensors {
		n += u.Tensors[i].Elements
	}
	return n
}

// UnitTensor is one weight within a unit.
type UnitTensor struct {
	// Name is that of the original tensor.
	Name string
	// Offset is the index of the first of its Elements in the unit.
	Offset, Elements int
	// Shape is nil if neither sidecar nor architecture tell it.
	Shape []uint64
	// Sum is the sum of the tensor's decoded bytes. It is nil if the checkpoint does not tell it.
	Sum *TensorSum
	// Coded holds the weights of a tensor coded with rANS, as views of the mapped file. It has passed Validate. It is
	// nil with DF11.
	Coded *rans.Stream
}

// OpenContainer opens a compressed checkpoint for reading: a folder, with a file for each unit or all in one, or a single
// safetensors file. It checks the structure of every unit. The codes are checked when they are decoded.
func OpenContainer(path string) (*Container, error) { return OpenContainerPatterns(path, nil) }

// OpenContainerPatterns is [OpenContainer] with a pattern_dict for a checkpoint that has none, such as a single file without
// its config.json. If patterns are not nil, they replace those of a config.json.
func OpenContainerPatterns(path string, patterns Patterns) (*Container, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, pathless(err))
	}
	d := &Container{Path: path, Dir: path}
	names := []string{filepath.Base(path)}
	if info.IsDir() {
		// Only the top level counts: the published loader looks no deeper.
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", path, pathless(err))
		}
		if err := oddWeights(path); err != nil {
			return nil, err
		}
		names = nil
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), Extension) {
				names = append(names, e.Name())
			}
		}
	} else {
		d.Dir = filepath.Dir(path)
	}
	if err := d.open(names, info.IsDir(), patterns); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// open reads the files of the checkpoint.
func (d *Container) open(names []string, folder bool, patterns Patterns) (err error) {
	if d.Config, err = findConfig(d.Dir); err != nil {
		return err
	}
	if folder {
		if d.Sidecar, err = findSidecar(d.Dir); err != nil {
			return err
		}
	}
	for _, name := range names {
		f, err := OpenFile(filepath.Join(d.Dir, name))
		if err != nil {
			return err
		}
		d.Files = append(d.Files, f)
	}
	if patterns == nil && d.Config != nil && d.Config.DF11 != nil {
		patterns = d.Config.DF11.Patterns
	}
	return d.units(patterns)
}

// units is assemble under a guard.
func (d *Container) units(patterns Patterns) error {
	return Guard(func() error { return d.assemble(patterns) })
}

// assemble finds the units among the tensors of the files.
func (d *Container) assemble(patterns Patterns) error {
	m, err := patterns.compile()
	if err != nil {
		return fmt.Errorf("model: %s: %w", d.Path, err)
	}
	d.patterns, d.byName = m, map[string]*Unit{}
	all := map[string]*Tensor{}
	parts := map[string]*unitParts{}
	coded := map[string][]*Tensor{} // with rANS, by unit
	for _, f := range d.Files {
		for _, t := range f.Tensors {
			if other := all[t.Name]; other != nil {
				return fmt.Errorf("model: tensor %q is in %s and in %s", t.Name, other.File(), f.Path())
			}
			all[t.Name] = t
		}
	}
	for _, f := range d.Files {
		for _, t := range f.Tensors {
			if unit, _, ok := splitRANS(t.Name); ok && CodecOf(t) == RANS {
				coded[unit] = append(coded[unit], t)
				continue
			}
			module, part := splitPart(t.Name, all)
			if part < 0 {
				d.Rest = append(d.Rest, t)
				continue
			}
			if parts[module] == nil {
				parts[module] = &unitParts{}
			}
			parts[module][part] = t
		}
	}
	switch {
	case len(parts)+len(coded) == 0:
		return fmt.Errorf("model: %s: no coded units", d.Path)
	case len(parts) > 0 && len(coded) > 0:
		return fmt.Errorf("model: %s: units coded with DF11 and with rANS: they do not belong together", d.Path)
	case len(coded) > 0:
		for _, name := range slices.SortedFunc(maps.Keys(coded), naturalCompare) {
			u, err := ransUnit(name, coded[name])
			if err != nil {
				return err
			}
			d.add(u)
		}
		return d.finish(all)
	}
	for _, module := range slices.SortedFunc(maps.Keys(parts), naturalCompare) {
		u, err := parts[module].unit(module, m)
		if err != nil {
			return err
		}
		d.add(u)
	}
	if err := m.exhausted(); err != nil {
		return fmt.Errorf("model: %s: %w", d.Path, err)
	}
	return d.finish(all)
}

// add adds a unit.
func (d *Container) add(u *Unit) {
	d.Units = append(d.Units, u)
	d.byName[u.Name] = u
}

// Codec returns how the units are coded.
func (d *Container) Codec() Codec { return d.Units[0].Codec }

// finish compares the units with config.json and the other tensors, and gives their weights a shape.
func (d *Container) finish(all map[string]*Tensor) error {
	if d.Config != nil && d.Config.Codec() != "" && d.Config.Codec() != d.Codec() {
		return fmt.Errorf("model: %s: the units are coded with %s, but %s has a %s", d.Path, d.Codec(), ConfigName, d.Config.codecKey())
	}
	owner := map[string]*Unit{}
	for _, u := range d.Units {
		for i := range u.Tensors {
			t := &u.Tensors[i]
			if raw := all[t.Name]; raw != nil {
				return fmt.Errorf("model: %s: unit %q: tensor %q is there uncoded too, in %s", u.File, u.Name, t.Name, raw.File())
			}
			if other := owner[t.Name]; other != nil {
				return fmt.Errorf("model: %s: unit %q: tensor %q belongs to unit %q too", u.File, u.Name, t.Name, other.Name)
			}
			owner[t.Name] = u
			if t.Shape == nil {
				t.Shape = shapeOf(d.Config, t.Name, uint64(t.Elements))
			}
		}
	}
	if d.Sidecar != nil {
		if err := d.Sidecar.apply(d); err != nil {
			return fmt.Errorf("model: %s: %w", filepath.Join(d.Dir, SidecarName), err)
		}
	}
	return d.collectSums()
}

// collectSums finds the sums in the sidecar or, without one, in the files. It gives the weights of units their
// sums.
func (d *Container) collectSums() error {
	for _, f := range d.Files {
		if f.Sums != nil && f.Sums.Beside != nil && d.Path == d.Dir {
			d.Beside = f.Sums.Beside
		}
	}
	if d.Sidecar != nil {
		d.Sums = d.Sidecar.Sums
	} else if err := d.sumsOfFiles(); err != nil {
		return err
	}
	if d.Sums == nil {
		return nil
	}
	for _, u := range d.Units {
		for i := range u.Tensors {
			t := &u.Tensors[i]
			sum, ok := d.Sums[t.Name]
			if !ok && u.Named {
				return fmt.Errorf("model: %s: unit %q: tensor %q has no sum", u.File, u.Name, t.Name)
			}
			if ok {
				t.Sum = &sum
			}
		}
	}
	return d.checkModelSum()
}

// checkModelSum compares the sums of a whole container with the sum over all of them, which is in its metadata.
func (d *Container) checkModelSum() error {
	tensors := map[string]TensorSum{}
	for _, u := range d.Units {
		if !u.Named {
			return nil
		}
		for i := range u.Tensors {
			tensors[u.Tensors[i].Name] = d.Sums[u.Tensors[i].Name]
		}
	}
	for _, t := range d.Rest {
		tensors[t.Name] = d.Sums[t.Name]
	}
	have := ModelSum(tensors)
	for _, f := range d.Files {
		if s := f.Sums; s != nil && s.Files == len(d.Files) && s.Model != have {
			return fmt.Errorf("model: %s: the tensors of the checkpoint and their sums are not those of its model: %v, must be %v", f.Path(), have, s.Model)
		}
	}
	return nil
}

// sumsOfFiles joins the sums in the metadata of the files. All files must belong to one model.
func (d *Container) sumsOfFiles() error {
	first := d.Files[0]
	for _, f := range d.Files {
		switch {
		case (f.Sums == nil) != (first.Sums == nil):
			return fmt.Errorf("model: %s and %s: only one of the two has sums in its metadata: they do not belong together", first.Path(), f.Path())
		case f.Sums == nil:
			continue
		case f.Sums.Model != first.Sums.Model || f.Sums.Files != first.Sums.Files:
			return fmt.Errorf("model: %s and %s belong to two different models, by what their metadata say", first.Path(), f.Path())
		}
		if d.Sums == nil {
			d.Sums = map[string]TensorSum{}
		}
		maps.Copy(d.Sums, f.Sums.Tensors)
	}
	if want, ok := d.Beside[ConfigName]; ok && d.Config != nil {
		if have := SumOf(d.Config.Raw); have != want {
			return fmt.Errorf("model: %s was changed since it was written: %v, must be %v", filepath.Join(d.Dir, ConfigName), have, want)
		}
	}
	return nil
}

// Unit returns the unit of that name, nil when there is none.
func (d *Container) Unit(name string) *Unit { return d.byName[name] }

// Close closes all files. All streams and tensor bytes become invalid. The streams of the units become empty.
func (d *Container) Close() error {
	for _, u := range d.Units {
		u.Stream = codebook.Stream{}
		for i := range u.Tensors {
			u.Tensors[i].Coded = nil
		}
	}
	var errs []error
	for _, f := range d.Files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
