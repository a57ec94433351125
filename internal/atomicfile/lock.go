package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// errHeld is the error for a name that another process has locked.
var errHeld = errors.New("is in use by another process")

// A lock holds a file or folder, whatever its name becomes, until it is released or the process ends.
type lock struct{ f *os.File }

// lockName locks the file or folder at path, which must not be a link. The error matches errHeld if it is locked
// already, [fs.ErrNotExist] if by then the name is gone or names something else, and [errors.ErrUnsupported] where
// there are no locks.
func lockName(path string) (*lock, error) {
	f, err := openLocked(path)
	if err != nil {
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
	if err := checkNamed(f, path); err != nil {
		f.Close()
		return nil, err
	}
	return &lock{f}, nil
}

// checkNamed returns an error that matches [fs.ErrNotExist] if path does not name the open file f.
func checkNamed(f *os.File, path string) error {
	held, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(path)
	if err == nil && !os.SameFile(held, named) {
		err = &fs.PathError{Op: "lock", Path: path, Err: fs.ErrNotExist}
	}
	return err
}

// release gives up the lock, which may be nil.
func (l *lock) release() {
	if l != nil {
		l.f.Close()
	}
}
