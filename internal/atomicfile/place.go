package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// place puts the temporary folder in the target's place. If it replaced a folder, it returns the name under which
// that folder still lies. undo takes everything back.
func (d *Dir) place() (old string, undo func() error, err error) {
	back := func() error { return os.Rename(d.target, d.temp) }
	err = renameNew(d.temp, d.target)
	if !errors.Is(err, fs.ErrExist) {
		return "", back, err
	}
	info, err := os.Lstat(d.target)
	switch {
	case err != nil:
		return "", nil, err
	case !info.IsDir():
		return "", nil, fmt.Errorf("%s exists and is not a folder", d.target)
	}
	mode := info.Mode().Perm()
	if err := os.Chmod(d.temp, mode); err != nil {
		return "", nil, err
	}
	err = renameOverEmpty(d.temp, d.target)
	switch {
	case err == nil:
		return "", func() error { return errors.Join(back(), os.Mkdir(d.target, mode)) }, nil
	case !errors.Is(err, fs.ErrExist):
		return "", nil, err
	case d.opts.Replace == nil:
		return "", nil, existsError(d.target)
	}
	return d.replace()
}

// A refusal is the error of [Options].Replace.
type refusal struct{ why error }

func (r *refusal) Error() string { return r.why.Error() }

// replace exchanges the temporary folder with the target, if Replace permits it.
func (d *Dir) replace() (old string, undo func() error, err error) {
	// The old folder will get a temporary name; the lock shows that it is not abandoned.
	if d.replaced, err = lockName(d.target); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return "", nil, err
	}
	if err := d.opts.Replace(d.target, d.temp); err != nil {
		return "", nil, &refusal{err}
	}
	old, undo, err = d.swap()
	if err != nil {
		return "", nil, err
	}
	if err := d.opts.Replace(old, d.target); err != nil {
		return "", nil, &refusal{errors.Join(err, undo())}
	}
	return old, undo, nil
}

// swap renames the temporary folder to the target. It returns the name under which the replaced folder still lies,
// and a function that takes the change back.
func (d *Dir) swap() (old string, undo func() error, err error) {
	err = d.exchange(d.temp, d.target)
	if err == nil {
		return d.temp, func() error { return d.exchange(d.temp, d.target) }, nil
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return "", nil, err
	}
	aside, err := freeName(d.target, asideSuffix, func(name string) error {
		if _, err := os.Lstat(name); err == nil {
			return fs.ErrExist
		}
		return os.Rename(d.target, name)
	})
	if err != nil {
		return "", nil, err
	}
	back := func() error { return os.Rename(aside, d.target) }
	if err := os.Rename(d.temp, d.target); err != nil {
		return "", nil, errors.Join(err, back())
	}
	return aside, func() error { return errors.Join(os.Rename(d.target, d.temp), back()) }, nil
}
