package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Dir is a folder being built under a temporary name.
type Dir struct {
	target  string
	temp    string
	replace bool
	done    bool

	exchange func(a, b string) error // set by tests
}

// NewDir creates a temporary folder beside target, whose parent must exist. If target exists and replace
// is false, it returns an error matching [fs.ErrExist] and creates nothing.
func NewDir(target string, replace bool) (*Dir, error) {
	target, err := prepare(target, replace)
	if err != nil {
		return nil, err
	}
	temp, err := reserve(target, func(name string) error { return os.Mkdir(name, 0o777) })
	if err != nil {
		return nil, err
	}
	return &Dir{target: target, temp: temp, replace: replace, exchange: exchange}, nil
}

// Path is the temporary folder to write into.
func (d *Dir) Path() string { return d.temp }

// Commit puts the folder in the target's place, and flushes it to the disk first where that deletes what was
// there. On failure the target is untouched and the temporary folder removed.
func (d *Dir) Commit() error {
	if d.done {
		return errors.New("atomicfile: folder was committed or closed before")
	}
	if err := d.commit(); err != nil {
		return errors.Join(err, d.Close())
	}
	d.done = true
	return nil
}

func (d *Dir) commit() error {
	switch _, err := os.Lstat(d.target); {
	case errors.Is(err, fs.ErrNotExist):
		return renameNew(d.temp, d.target)
	case err != nil:
		return fmt.Errorf("atomicfile: %w", err)
	case !d.replace:
		return existsError(d.target)
	}
	if err := syncTree(d.temp); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	old, err := d.swap()
	if err != nil {
		return err
	}
	if err := syncPath(filepath.Dir(d.target)); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	// The new folder stands; what is left of the old one is only space.
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("atomicfile: %s is in place, but the folder it replaced remains: %w", d.target, err)
	}
	return nil
}

// swap renames the temporary folder to the target and returns the name under which the replaced folder still
// lies.
func (d *Dir) swap() (old string, err error) {
	switch err := d.exchange(d.temp, d.target); {
	case err == nil:
		return d.temp, nil
	case !errors.Is(err, errors.ErrUnsupported):
		return "", fmt.Errorf("atomicfile: %w", err)
	}
	aside, err := reserve(d.target, func(name string) error { return os.Rename(d.target, name) })
	if err != nil {
		return "", err
	}
	if err := os.Rename(d.temp, d.target); err != nil {
		return "", fmt.Errorf("atomicfile: %w", errors.Join(err, os.Rename(aside, d.target)))
	}
	return aside, nil
}

// Close removes the temporary folder unless Commit succeeded. It may be called any number of times.
func (d *Dir) Close() error {
	if d.done {
		return nil
	}
	d.done = true
	return os.RemoveAll(d.temp)
}
