package checkpoint

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
)

// findMissing is FindMissing, for which a file that must not be read is not there.
func findMissing(d *model.DF11) []model.Missing {
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

// misplaced says what stands in the place of a file that belongs to a container, "" for a file.
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
func named(d *model.DF11) bool {
	return !slices.ContainsFunc(d.Units, func(u *model.Unit) bool { return !u.Named })
}
