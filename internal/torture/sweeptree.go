package torture

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/model"
)

// readSweepTree reads all files below a folder.
func readSweepTree(folder string) (sweepTree, error) {
	tree := sweepTree{}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o400 == 0 { // for the owner, who reads it here
			err = os.Chmod(path, 0o600)
		}
		data, readErr := os.ReadFile(path)
		rel, relErr := filepath.Rel(folder, path)
		tree[filepath.ToSlash(rel)] = sweepFile{data, info.Mode()}
		return errors.Join(err, readErr, relErr)
	})
	return tree, err
}

// write writes the files into a folder.
func (t sweepTree) write(folder string) error {
	for _, path := range t.paths() {
		if err := t.writeFile(folder, path); err != nil {
			return err
		}
	}
	return nil
}

func (t sweepTree) writeFile(folder, path string) error {
	full := filepath.Join(folder, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(full, t[path].data, 0o600); err != nil {
		return err
	}
	return os.Chmod(full, t[path].mode)
}

// paths returns the paths in order.
func (t sweepTree) paths() []string { return slices.Sorted(maps.Keys(t)) }

// weights returns the paths of the safetensors files at the top of a container.
func (t sweepTree) weights() []string {
	return slices.DeleteFunc(t.paths(), func(path string) bool {
		return strings.Contains(path, "/") || !strings.HasSuffix(path, model.Extension)
	})
}

// clone returns a copy that shares the bytes.
func (t sweepTree) clone() sweepTree { return maps.Clone(t) }

// differs says how two trees differ. It returns "" if they do not.
func (t sweepTree) differs(other sweepTree) string {
	for _, path := range slices.Compact(slices.Sorted(slices.Values(append(t.paths(), other.paths()...)))) {
		a, inA := t[path]
		b, inB := other[path]
		switch {
		case !inA:
			return fmt.Sprintf("%q appeared", path)
		case !inB:
			return fmt.Sprintf("%q disappeared", path)
		case !bytes.Equal(a.data, b.data):
			return fmt.Sprintf("%q has other bytes", path)
		case a.mode != b.mode:
			return fmt.Sprintf("%q has mode %v, not %v", path, b.mode, a.mode)
		}
	}
	return ""
}

// A sweepTensor is a tensor of a file.
type sweepTensor struct {
	name  string
	dtype model.DType
	shape []uint64
	data  []byte
	at    int // the place of data in the file
}

func (t sweepTensor) equal(other sweepTensor) bool {
	return t.name == other.name && t.dtype == other.dtype && slices.Equal(t.shape, other.shape) && bytes.Equal(t.data, other.data)
}

// tensorsOf returns the tensors of a safetensors file in the order of their bytes.
func tensorsOf(content []byte) (list []sweepTensor, err error) {
	text, data, err := splitSafetensors(content)
	if err != nil {
		return nil, err
	}
	h, err := model.ParseHeader(text, uint64(len(data)))
	if err != nil {
		return nil, err
	}
	for _, t := range h.Tensors {
		list = append(list, sweepTensor{t.Name, t.DType, t.Shape, data[t.Begin:t.End], len(content) - len(data) + int(t.Begin)})
	}
	return list, nil
}

// said reports whether the tree got differs from that of the sound container only in what the container was made
// to say. A sidecar may give other names and permissions to files that are not safetensors files, or leave them
// out. Without a sidecar, config.json may be another one, which is among the changed files here, and so may the
// metadata of tensors.
func (c *sweepContainer) said(got sweepTree, changed map[string][]byte) bool {
	if c.sidecar {
		return c.saidBySidecar(got)
	}
	for _, path := range slices.Compact(slices.Sorted(slices.Values(append(c.want.paths(), got.paths()...)))) {
		want, have := c.want[path], got[path]
		switch {
		case bytes.Equal(want.data, have.data) && want.mode == have.mode:
		case path == model.ConfigName:
			config, _, err := jsonedit.Remove(changed[model.ConfigName], model.DF11Key)
			if err == nil {
				config, _, err = jsonedit.Remove(config, model.RANSKey)
			}
			if err != nil || !bytes.Equal(config, have.data) {
				return false
			}
		case strings.HasSuffix(path, model.Extension):
			a, err := tensorsOf(want.data)
			b, errGot := tensorsOf(have.data)
			if err != nil || errGot != nil || !slices.EqualFunc(a, b, sweepTensor.equal) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (c *sweepContainer) saidBySidecar(got sweepTree) bool {
	holds := func(tree sweepTree, data []byte) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(tree)), func(f sweepFile) bool { return bytes.Equal(f.data, data) })
	}
	for path, f := range got {
		if model.CheckStoredPath(path) != nil || !holds(c.want, f.data) {
			return false
		}
	}
	for path, f := range c.want {
		if strings.HasSuffix(path, model.Extension) && !holds(got, f.data) {
			return false
		}
	}
	return true
}
