package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Checkpoint is a checkpoint opened for reading: its safetensors files, and the folder they belong to.
type Checkpoint struct {
	// Dir is the folder of the model.
	Dir string
	// Config is the parsed config.json, nil when there is none.
	Config *Config
	// Files holds the open safetensors files, each at Listed[i].Path for some i.
	Files []*File
	// Tensors holds the tensors of all files, in the order of Files.
	Tensors []*Tensor
	// Listed holds every file that belongs to the model. For a checkpoint that was opened by the name of one
	// safetensors file, it holds only that file.
	Listed []ListedFile
	// Odd holds the other entries of the folder, which cannot be carried along.
	Odd []OddFile
	// Lone says that the checkpoint was opened by the name of one safetensors file. The rest of the folder does
	// not belong to it.
	Lone bool

	byName map[string]*Tensor
}

// OpenOptions are the options of [OpenWith]. The zero value is useful.
type OpenOptions struct {
	// IgnoreWeightMap opens a folder as if it had no weight map.
	IgnoreWeightMap bool
}

// Open opens a checkpoint for reading. Path names a folder with model.safetensors, with shards and their
// weight map, or with safetensors files of other names; or one safetensors file; or a weight map.
func Open(path string) (*Checkpoint, error) { return OpenWith(path, OpenOptions{}) }

// OpenWith is [Open] with options.
func OpenWith(path string, opts OpenOptions) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, pathless(err))
	}
	c := &Checkpoint{Dir: filepath.Dir(path), byName: map[string]*Tensor{}}
	switch {
	case info.IsDir():
		c.Dir = path
		err = c.openFolder(opts)
	case strings.HasSuffix(path, WeightMapExtension):
		if c.Listed, c.Odd, err = ListFolder(c.Dir); err == nil {
			err = c.openWeightMap(filepath.Base(path))
		}
	default:
		c.Lone = true
		c.Listed = []ListedFile{listed(filepath.Base(path), info)}
		err = c.openFiles([]string{filepath.Base(path)})
	}
	if err == nil {
		c.Config, err = findConfig(c.Dir)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// findConfig reads the config.json of a folder, if there is one.
func findConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, ConfigName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return ReadConfig(path)
}

// openFolder opens what the Hugging Face libraries would load: model.safetensors before a weight map,
// a weight map before whatever else there is.
func (c *Checkpoint) openFolder(opts OpenOptions) (err error) {
	if c.Listed, c.Odd, err = ListFolder(c.Dir); err != nil {
		return err
	}
	names, maps := topLevel(c.Listed, Extension), topLevel(c.Listed, WeightMapExtension)
	if opts.IgnoreWeightMap {
		maps = nil
	}
	for _, name := range names {
		if name == "model"+Extension && !c.inWeightMap(maps, name) {
			return c.openFiles([]string{name})
		}
	}
	switch {
	case len(maps) == 1:
		return c.openWeightMap(maps[0])
	case len(maps) > 1:
		return fmt.Errorf("model: %s: %d indices (%s): open one of them by its name", c.Dir, len(maps), strings.Join(maps, ", "))
	}
	if err := oddWeights(c.Dir); err != nil {
		return err
	}
	for _, odd := range c.Odd {
		if !strings.Contains(odd.Path, "/") && strings.HasSuffix(odd.Path, Extension) {
			return fmt.Errorf("model: %s: cannot take the file %q: %s", c.Dir, odd.Path, odd.Reason)
		}
	}
	if len(names) > 0 {
		if err := checkShards(names); err != nil {
			return fmt.Errorf("model: %s: %w", c.Dir, err)
		}
		return c.openFiles(names)
	}
	if below := foldersWith(c.Listed, Extension); len(below) > 0 {
		return fmt.Errorf("model: %s: no safetensors files here, but in %s: open one of these folders", c.Dir, strings.Join(below, ", "))
	}
	return fmt.Errorf("model: %s: no safetensors files", c.Dir)
}

// inWeightMap reports whether a readable weight map lists the file as one of its shards.
func (c *Checkpoint) inWeightMap(maps []string, name string) bool {
	for _, path := range maps {
		x, err := c.readWeightMap(path)
		if err != nil {
			continue
		}
		for _, file := range x.Files {
			if file == name {
				return true
			}
		}
	}
	return false
}

// readWeightMap reads a weight map of the folder.
func (c *Checkpoint) readWeightMap(name string) (*WeightMap, error) {
	path := filepath.Join(c.Dir, name)
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	x, err := ParseWeightMap(text)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	return x, nil
}

// openWeightMap opens the shards of a weight map.
func (c *Checkpoint) openWeightMap(name string) error {
	x, err := c.readWeightMap(name)
	if err != nil {
		return err
	}
	for _, file := range x.Files {
		if _, err := os.Stat(filepath.Join(c.Dir, filepath.FromSlash(file))); errors.Is(err, os.ErrNotExist) {
			return &WeightMapError{filepath.Join(c.Dir, name), fmt.Errorf("file %q is not there", file)}
		}
	}
	if err := c.openFiles(x.Files); err != nil {
		return err
	}
	if err := x.check(c.Files); err != nil {
		return &WeightMapError{filepath.Join(c.Dir, name), err}
	}
	return nil
}

// A WeightMapError reports an index that does not go with the files beside it: a file is missing, or the index is
// stale. [OpenOptions].IgnoreWeightMap goes on without it.
type WeightMapError struct {
	Path string
	Err  error
}

// Error names the index and what contradicts it.
func (e *WeightMapError) Error() string {
	return fmt.Sprintf("model: %s: %v: a file is missing, or the index is stale", e.Path, e.Err)
}

func (e *WeightMapError) Unwrap() error { return e.Err }

// openFiles opens the named safetensors files of the folder, which must not share a tensor name.
func (c *Checkpoint) openFiles(names []string) error {
	weights := map[string]bool{}
	for _, name := range names {
		weights[name] = true
		f, err := OpenFile(filepath.Join(c.Dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		c.Files = append(c.Files, f)
		for _, t := range f.Tensors {
			if other := c.byName[t.Name]; other != nil {
				return fmt.Errorf("model: tensor %q is in %s and in %s: open one of the two by its name", t.Name, other.File(), f.Path())
			}
			c.byName[t.Name] = t
			c.Tensors = append(c.Tensors, t)
		}
	}
	for i := range c.Listed {
		f := &c.Listed[i]
		f.Weights = weights[f.Path]
		delete(weights, f.Path)
	}
	for _, name := range names {
		if !weights[name] {
			continue
		}
		return fmt.Errorf("model: %s: %s lies in a folder that is left out of a model (%s)", c.Dir, name, strings.Join(skippedFolders, ", "))
	}
	return nil
}

// Tensor returns the tensor of that name, nil when there is none.
func (c *Checkpoint) Tensor(name string) *Tensor { return c.byName[name] }

// Close closes all files. The bytes of all tensors become invalid.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, f := range c.Files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Changed returns an error for the first file of the model that was written to, replaced, removed or added since
// the model was opened. It goes by the size of a file and the time of its last change.
func (c *Checkpoint) Changed() error {
	now := slices.Clone(c.Listed)
	if c.Lone {
		info, err := os.Stat(filepath.Join(c.Dir, filepath.FromSlash(c.Listed[0].Path)))
		if err != nil {
			return fmt.Errorf("model: %w", err)
		}
		now[0] = listed(c.Listed[0].Path, info)
	} else {
		var err error
		if now, _, err = ListFolder(c.Dir); err != nil {
			return err
		}
	}
	for i := range max(len(now), len(c.Listed)) {
		switch {
		case i == len(c.Listed) || i < len(now) && now[i].Path < c.Listed[i].Path:
			return fmt.Errorf("model: %s appeared meanwhile", filepath.Join(c.Dir, now[i].Path))
		case i == len(now) || now[i].Path != c.Listed[i].Path:
			return fmt.Errorf("model: %s disappeared meanwhile", filepath.Join(c.Dir, c.Listed[i].Path))
		}
		before, after := c.Listed[i].info, now[i].info
		if !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
			return fmt.Errorf("model: %s changed meanwhile", filepath.Join(c.Dir, now[i].Path))
		}
	}
	return nil
}

// shardName matches the name of a shard, which says how many shards there are.
var shardName = regexp.MustCompile(`^(.*)-(\d{1,6})-of-(\d{1,6})\.safetensors$`)

// checkShards returns an error for the first shard that is missing, by the number of shards that the names tell.
func checkShards(names []string) error {
	present := map[string]bool{}
	for _, name := range names {
		present[name] = true
	}
	checked := map[string]bool{}
	for _, name := range names {
		m := shardName.FindStringSubmatch(name)
		if m == nil || checked[m[1]+"/"+m[3]] {
			continue
		}
		checked[m[1]+"/"+m[3]] = true
		total, _ := strconv.Atoi(m[3]) // at most 6 digits
		for i := 1; i <= total; i++ {
			if want := fmt.Sprintf("%s-%0*d-of-%s%s", m[1], len(m[2]), i, m[3], Extension); !present[want] {
				return fmt.Errorf("shard %q is missing: %q says that there are %d", want, name, total)
			}
		}
	}
	return nil
}
