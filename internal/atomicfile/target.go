package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

func existsError(target string) error {
	return fmt.Errorf("%s: %w", target, fs.ErrExist)
}

// Resolve returns the absolute path of a target, with links followed. The target and its parents may be
// missing, but a link that leads nowhere is an error.
func Resolve(target string) (string, error) {
	target, err := filepath.Abs(target)
	if err != nil {
		return "", err
	}
	var missing []string
	for path := target; ; path = filepath.Dir(path) {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
			missing = append(missing, filepath.Base(path))
			continue
		}
		if err != nil {
			return "", err
		}
		real, err := filepath.EvalSymlinks(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && info.Mode().Type() == fs.ModeSymlink:
			to, _ := os.Readlink(path)
			return "", fmt.Errorf("%s is a link to %s, which does not exist", path, to)
		case errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path): // taken away meanwhile
			missing = append(missing, filepath.Base(path))
			continue
		case err != nil:
			return "", err
		}
		slices.Reverse(missing)
		return filepath.Join(append([]string{real}, missing...)...), nil
	}
}

// createError says why nothing could be created beside target.
func createError(target string, err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err // its path is a temporary one
	}
	return fmt.Errorf("nothing can be created in %s: %w", filepath.Dir(target), err)
}

// makeParents makes the folder dir and its missing parents. It returns the folders that it made, outermost first.
func makeParents(dir string) (made []string, err error) {
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder", dir)
	case err == nil:
		return nil, nil
	case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
		return nil, err
	}
	if made, err = makeParents(filepath.Dir(dir)); err != nil {
		return made, err
	}
	if err := os.Mkdir(dir, 0o777); err == nil {
		made = append(made, dir)
	} else if !errors.Is(err, fs.ErrExist) { // another process may have been faster
		return made, err
	}
	return made, nil
}

// removeParents removes those folders that makeParents made that are empty.
func removeParents(made []string) {
	for _, dir := range slices.Backward(made) {
		if os.Remove(dir) != nil {
			return
		}
	}
}

// isEmpty reports whether a folder holds nothing.
func isEmpty(dir string) (bool, error) {
	f, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer f.Close()
	names, err := f.Readdirnames(1)
	if len(names) > 0 {
		return false, nil
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return true, err
}
