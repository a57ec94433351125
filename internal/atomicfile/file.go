package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A File is a file being written under a temporary name.
type File struct {
	*os.File
	target  string
	lock    *lock
	replace bool
	done    bool
}

// Create opens a temporary file beside target, whose folder must exist. If target exists and replace is false, it
// returns an error matching [fs.ErrExist] and creates nothing. Only a regular file is ever replaced.
func Create(target string, replace bool) (*File, error) {
	f, err := create(target, replace)
	if err != nil {
		return nil, fmt.Errorf("atomicfile: %w", err)
	}
	return f, nil
}

func create(target string, replace bool) (*File, error) {
	target, err := Resolve(target)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Lstat(target); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s exists and is not a regular file", target)
	case !replace:
		return nil, existsError(target)
	}
	sweep(target)
	f := &File{target: target, replace: replace}
	_, f.lock, err = reserve(target, func(name string) (err error) {
		f.File.Close() // its name was lost
		f.File, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		return err
	})
	if err != nil {
		f.File.Close()
		return nil, createError(target, err)
	}
	return f, nil
}

// Commit flushes the file to the disk and renames it to the target.
func (f *File) Commit() error {
	if f.done {
		return errors.New("atomicfile: file was committed or closed before")
	}
	if err := f.commit(); err != nil {
		return errors.Join(fmt.Errorf("atomicfile: %w", err), f.Close())
	}
	f.done = true
	f.lock.release()
	return nil
}

func (f *File) commit() error {
	if err := errors.Join(f.Sync(), f.File.Close()); err != nil {
		return err
	}
	rename := renameNew
	if f.replace {
		rename = os.Rename
	}
	if err := rename(f.Name(), f.target); err != nil {
		return err
	}
	return syncPath(filepath.Dir(f.target))
}

// Close removes the temporary file unless Commit succeeded. It may be called any number of times.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	err := f.File.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil
	}
	err = errors.Join(err, os.Remove(f.Name()))
	f.lock.release()
	return err
}
