package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// kindOf says what lies at path. It reads no more than the headers of files.
func kindOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	if !info.IsDir() {
		switch {
		case strings.HasSuffix(path, model.WeightMapExtension):
			return KindModel, nil
		case strings.HasSuffix(path, ".json"):
			return KindHistogram, nil
		}
		return kindOfFiles(path)
	}
	config, err := model.ReadConfig(filepath.Join(path, model.ConfigName))
	if err == nil && config.Codec() != "" {
		return string(config.Codec()), nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), model.Extension) {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	return kindOfFiles(files...)
}

// openModel opens the model at path, which must not be compressed.
func openModel(path string, opts model.OpenOptions) (*model.Checkpoint, error) {
	switch kind, err := kindOf(path); {
	case err != nil:
		return nil, err
	case isContainer(kind):
		return nil, fmt.Errorf("checkpoint: %s is compressed already", path)
	case kind != KindModel:
		return nil, fmt.Errorf("checkpoint: %s is a JSON file, not a model", path)
	}
	return model.OpenWith(path, opts)
}

// isContainer reports whether a kind of input is compressed.
func isContainer(kind string) bool { return kind == KindDF11 || kind == KindRANS }

// kindOfFiles returns KindDF11 or KindRANS if one of the safetensors files holds a coded unit. A file that cannot be
// read counts as one of a model; opening the model says later what is wrong.
func kindOfFiles(paths ...string) (string, error) {
	for _, path := range paths {
		f, err := model.OpenFile(path)
		if err != nil {
			return KindModel, nil
		}
		for _, t := range f.Tensors {
			if codec := model.CodecOf(t); codec != "" {
				return string(codec), f.Close()
			}
		}
		if err := f.Close(); err != nil {
			return "", err
		}
	}
	return KindModel, nil
}

// openContainer opens a container for reading and for decoding. Closing the runtime.Model closes both. patterns
// name the tensors of units; they are nil if config.json does that.
func openContainer(path string, patterns model.Patterns, opts []runtime.Option) (*model.Container, *runtime.Model, error) {
	d, err := model.OpenContainerPatterns(path, patterns)
	if err != nil {
		return nil, nil, err
	}
	m, err := runtime.New(d, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	return d, m, nil
}

// findMissing is FindMissing. It also lists files that are there but must not be read.
func findMissing(d *model.Container) []model.Missing {
	list := d.FindMissing()
	if d.Sidecar != nil {
		return list
	}
	known := map[string]bool{}
	for _, m := range list {
		known[m.Name] = true
	}
	for _, path := range slices.Sorted(maps.Keys(d.Beside)) {
		if known[path] {
			continue
		}
		if odd := misplaced(d.Dir, path); odd != "" {
			list = append(list, model.Missing{Name: path, Evidence: odd})
		}
	}
	d.SortMissing(list)
	return list
}

// misplaced says what stands in the place of a file that belongs to a container. It is "" if that is a file.
func misplaced(dir, path string) string {
	full := filepath.Join(dir, filepath.FromSlash(path))
	if odd := regular.Odd(full); odd != "" {
		return full + " is " + odd
	}
	if err := inside(dir, path); err != nil {
		return err.Error()
	}
	return ""
}

// named reports whether a checkpoint tells the names of all its tensors.
func named(d *model.Container) bool {
	return !slices.ContainsFunc(d.Units, func(u *model.Unit) bool { return !u.Named })
}
