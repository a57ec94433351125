package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
)

// ErrOutputExists is wrapped by the error of an operation whose output exists and must not be replaced.
var ErrOutputExists = errors.New("exists already")

// ErrKept is wrapped, beside the context's error, by the error of an operation that was interrupted and left
// its finished files for one that resumes.
var ErrKept = errors.New("finished files are kept")

// newOutput starts the folder dst, which appears when it is committed. It refuses a folder that holds an input,
// because replacing it would delete the input. It refuses a folder that lies in an input folder, because the input
// would then contain the output. With force an existing folder is replaced if it may be: see replaceable.
func newOutput(dst string, force bool, inputs ...string) (*atomicfile.Dir, error) {
	return startOutput(dst, force, atomicfile.Options{}, inputs, nil)
}

// newModel is newOutput for a folder that gets these files, by slash-separated paths, and no sidecar. It finds out
// at once what prevents replacing an existing folder.
func newModel(dst string, force bool, files []string, inputs ...string) (*atomicfile.Dir, error) {
	return startOutput(dst, force, atomicfile.Options{}, inputs, func(target string) error {
		return replaceableByModel(dst, target, files)
	})
}

// newContainer is newOutput for a folder that gets a sidecar. It finds out at once what prevents replacing an
// existing folder. key names everything that decides the content of all files. With resume, Finished finds the
// files that an earlier call with the same key finished.
func newContainer(dst string, force, resume bool, key string, inputs ...string) (*atomicfile.Dir, error) {
	return startOutput(dst, force, atomicfile.Options{Key: key, Resume: resume}, inputs, func(target string) error {
		return replaceableByContainer(dst, target)
	})
}

// startOutput starts an output. If the folder exists and is to be replaced, it first calls early, if that is not
// nil, with the folder's absolute path.
func startOutput(dst string, force bool, opts atomicfile.Options, inputs []string, early func(target string) error) (*atomicfile.Dir, error) {
	target, err := atomicfile.Resolve(dst)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: output: %w", err)
	}
	for _, input := range inputs {
		if err := apart(dst, target, input); err != nil {
			return nil, err
		}
	}
	if info, err := os.Stat(target); err == nil && info.IsDir() && force && early != nil {
		if err := early(target); err != nil {
			return nil, err
		}
	}
	if force {
		opts.Replace = func(old, fresh string) error { return replaceable(dst, old, fresh) }
	}
	dir, err := atomicfile.NewDir(target, opts)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("checkpoint: output %s %w", dst, ErrOutputExists)
	case err != nil:
		return nil, fmt.Errorf("checkpoint: output: %w", err)
	}
	return dir, nil
}

// apart refuses an output that is an input, holds an input or lies in one. target is the absolute path of the
// output.
func apart(dst, target, input string) error {
	from, err := filepath.EvalSymlinks(input)
	if err == nil {
		from, err = filepath.Abs(from)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: input: %w", err)
	}
	switch {
	case sameFile(from, target):
		return fmt.Errorf("checkpoint: output %s is the input itself", dst)
	case within(from, target):
		return fmt.Errorf("checkpoint: output %s holds the input %s", dst, input)
	case within(target, from):
		return fmt.Errorf("checkpoint: output %s lies in the input %s", dst, input)
	}
	return apartFromLinks(dst, target, from)
}

// apartFromLinks refuses an output that is the target of a link in an input, or holds it.
func apartFromLinks(dst, target, from string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink == 0 {
			return nil // reading it later says what is wrong
		}
		real, err := filepath.EvalSymlinks(path)
		if err == nil && (sameFile(real, target) || within(real, target)) {
			return fmt.Errorf("checkpoint: output %s holds what the input's link %s leads to", dst, path)
		}
		return nil
	})
}

// commit lets the output appear, unless the context has ended.
func commit(ctx context.Context, out *atomicfile.Dir) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := out.Commit()
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("checkpoint: output %w, since this began: %w", ErrOutputExists, err)
	}
	return err
}

// giveUp closes an output that err prevented, and returns err. With resume, what an interrupted
// operation has finished is kept, and the error wraps [ErrKept] too.
func giveUp(ctx context.Context, out *atomicfile.Dir, resume bool, err error) error {
	if resume && ctx.Err() != nil && out.Keep() {
		return fmt.Errorf("%w: %w", err, ErrKept)
	}
	return errors.Join(err, out.Close())
}

// inputOf returns what a model opened at path consists of: its folder, or one file.
func inputOf(c *model.Checkpoint, path string) string {
	if c.Lone {
		return path
	}
	return c.Dir
}

// within reports whether path lies below folder. Both are absolute and free of links; either may be missing.
func within(path, folder string) bool {
	for {
		outer := filepath.Dir(path)
		if outer == path {
			return false
		}
		if sameFile(outer, folder) {
			return true
		}
		path = outer
	}
}

// sameFile reports whether two paths name the same file. The names may differ: in case, or by a mount.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// replaceable refuses to replace a folder that holds files which Bespoke has not written. So a mistake in the name
// of the output costs nothing. In a folder with a sidecar, the files that belong to the sidecar are ours. A
// restored or converted model has no mark. In its folder every file must also be in fresh, the complete new
// folder. That is not enough if the new folder has a sidecar.
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

// replaceableByModel is replaceable before the new folder is complete. The new folder will have these files and no
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

// replaceableByContainer is replaceable before the new folder is complete. The new folder will have a sidecar.
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

// containerFiles returns the files that Compress wrote to a folder, by what its sidecar says. Without a sound
// sidecar it returns an error.
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

// noStrangers refuses dir if it holds anything but files that are ours. Names are slash-separated.
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

// strangers lists everything in a folder, and in the folders below it, that is not a file of ours.
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
