package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
)

// replaceable refuses to replace a folder that holds what Bespoke has not written: a slip in the name of the
// output must not cost anything. A folder with a sidecar is ours with all that belongs to the sidecar.
// Nothing tells that a restored or converted model is ours; of such a folder each file must be one that
// fresh, the complete new folder, has too. That is not enough to put a folder with a sidecar there.
func replaceable(dst, old, fresh string) error {
	ours, err := containerFiles(old)
	if err != nil {
		_, statErr := os.Lstat(filepath.Join(fresh, model.SidecarName))
		if statErr == nil {
			return notOurs(dst, old, err)
		}
		ours = map[string]bool{}
	}
	again := func(name string) bool {
		info, err := os.Lstat(filepath.Join(fresh, filepath.FromSlash(name)))
		return err == nil && info.Mode().IsRegular()
	}
	return noStrangers(dst, old, func(name string) bool { return ours[name] || again(name) })
}

// replaceableByModel is replaceable before the new folder is there, for one that will have these files and no
// sidecar.
func replaceableByModel(dst, old string, files []string) error {
	ours, err := containerFiles(old)
	if err != nil {
		ours = map[string]bool{}
	}
	for _, name := range files {
		ours[name] = true
	}
	return noStrangers(dst, old, func(name string) bool { return ours[name] })
}

// replaceableByContainer is replaceable before the new folder is there, for one that will have a sidecar.
func replaceableByContainer(dst, old string) error {
	if entries, err := os.ReadDir(old); err == nil && len(entries) == 0 {
		return nil
	}
	ours, err := containerFiles(old)
	if err != nil {
		return notOurs(dst, old, err)
	}
	return noStrangers(dst, old, func(name string) bool { return ours[name] })
}

// containerFiles returns the files that Compress wrote to a folder, as its sidecar has them. Anything but
// a sound sidecar is an error.
func containerFiles(dir string) (map[string]bool, error) {
	text, err := regular.Read(filepath.Join(dir, model.SidecarName), maxSidecar)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it has no %s", model.SidecarName)
	}
	if err != nil {
		return nil, err
	}
	s, err := model.ParseSidecar(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", model.SidecarName, err)
	}
	ours := map[string]bool{model.SidecarName: true, model.ConfigName: true, model.RestFileName: true}
	var units []string
	for _, u := range s.Units {
		units = append(units, u.Name)
	}
	for _, name := range model.UnitFileNames(units) {
		ours[name] = true
	}
	for _, f := range s.Files {
		if f.Kind == model.Copied {
			ours[f.StoredPath()] = true
		}
	}
	return ours, nil
}

// maxSidecar bounds the size of a sidecar that is read to learn what a folder holds.
const maxSidecar = 1 << 30

// noStrangers refuses dir if it holds what is not a file with a name, slash-separated, that is ours.
func noStrangers(dst, dir string, ours func(name string) bool) error {
	names, err := strangers(dir, ours)
	if err != nil {
		return fmt.Errorf("checkpoint: output %s: %w", dst, err)
	}
	if len(names) > 0 {
		return fmt.Errorf("checkpoint: output %s holds what bespoke did not write: %s; move it elsewhere, or use another name", dst, fewOf(names))
	}
	return nil
}

func notOurs(dst, dir string, why error) error {
	names, err := strangers(dir, func(string) bool { return false })
	if err != nil {
		return fmt.Errorf("checkpoint: output %s: %w", dst, err)
	}
	return fmt.Errorf("checkpoint: output %s is not the work of bespoke compress: %w; it holds %s; remove it yourself to use the name", dst, why, fewOf(names))
}

// strangers lists what in a folder, and in the folders in it, is not a file with a name that is ours.
func strangers(dir string, ours func(name string) bool) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if name := filepath.ToSlash(rel); !e.Type().IsRegular() || !ours(name) {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}
