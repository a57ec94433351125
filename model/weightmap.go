package model

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// WeightMapExtension ends the name of the JSON file that holds the [WeightMap] of a sharded checkpoint.
const WeightMapExtension = Extension + ".index.json"

// IsWeightMap reports whether a path within a model's folder, slash-separated, is that of a weight map.
func IsWeightMap(path string) bool {
	return !strings.Contains(path, "/") && strings.HasSuffix(path, WeightMapExtension)
}

// WeightMap is the JSON file of a sharded checkpoint, whose weight_map says which shard holds which tensor. Messages call
// it the index, as its name does.
type WeightMap struct {
	// Files holds the names of the shards, slash-separated and relative to the weight map, in natural
	// order.
	Files []string
	// File gives the shard of each tensor.
	File map[string]string
}

// ParseWeightMap parses the text of a model.safetensors.index.json. The shards may lie in folders below
// the weight map, never above or elsewhere.
func ParseWeightMap(text []byte) (*WeightMap, error) {
	j, err := newJSONText(text)
	if err != nil {
		return nil, err
	}
	x := &WeightMap{}
	err = j.object(func(key string) error {
		if key != "weight_map" {
			return j.skip()
		}
		if err := x.parseMap(j); err != nil {
			return fmt.Errorf("weight_map: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := j.end(); err != nil {
		return nil, err
	}
	if x.File == nil {
		return nil, fmt.Errorf("weight_map is missing")
	}
	slices.SortFunc(x.Files, naturalCompare)
	return x, nil
}

// parseMap reads the object TENSOR: FILE.
func (x *WeightMap) parseMap(j *jsonText) error {
	x.File = map[string]string{}
	known := map[string]bool{}
	return j.object(func(tensor string) error {
		file, err := j.str()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", tensor, err)
		}
		if err := CheckPath(file); err != nil {
			return fmt.Errorf("tensor %q: %w", tensor, err)
		}
		if !strings.HasSuffix(file, Extension) {
			return fmt.Errorf("tensor %q: file %q is not a safetensors file", tensor, file)
		}
		x.File[tensor] = file
		if !known[file] {
			known[file] = true
			x.Files = append(x.Files, file)
		}
		return nil
	})
}

// CheckPath returns an error for a slash-separated path that is not in its shortest form, or that leaves the
// folder to which it is relative on some system.
func CheckPath(name string) error {
	switch {
	case len(name) > maxPath:
		return fmt.Errorf("path of %d bytes, max %d", len(name), maxPath)
	case !utf8.ValidString(name):
		return fmt.Errorf("path %q is not UTF-8", name)
	case name == "" || name == ".":
		return fmt.Errorf("path %q names no file", name)
	case strings.ContainsAny(name, "\\\x00") || len(name) > 1 && name[1] == ':':
		return fmt.Errorf("path %q is not a plain relative path on every system: no backslash, drive or NUL", name)
	case path.IsAbs(name) || name == ".." || strings.HasPrefix(path.Clean(name), "../"):
		return fmt.Errorf("path %q leaves the folder", name)
	case path.Clean(name) != name:
		return fmt.Errorf("path %q is not in its shortest form", name)
	}
	return nil
}

// check compares the weight map with the files that it names: every tensor must be in the file that the map says, and
// no other tensor in any of them.
func (x *WeightMap) check(files []*File) error {
	count := 0
	for i, f := range files {
		for _, t := range f.Tensors {
			switch want, ok := x.File[t.Name]; {
			case !ok:
				return fmt.Errorf("tensor %q of %s is not in the index", t.Name, x.Files[i])
			case want != x.Files[i]:
				return fmt.Errorf("tensor %q is in %s, the index says %s", t.Name, x.Files[i], want)
			}
			count++
		}
	}
	if count == len(x.File) {
		return nil
	}
	for _, tensor := range slices.Sorted(maps.Keys(x.File)) {
		if i := slices.Index(x.Files, x.File[tensor]); files[i].Tensor(tensor) == nil {
			return fmt.Errorf("tensor %q is not in %s, where the index says it is", tensor, x.Files[i])
		}
	}
	return nil
}
