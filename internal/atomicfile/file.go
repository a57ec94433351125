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
	replace bool
	done    bool
}

// Create opens a temporary file beside target, whose folder must exist. If target exists and replace is
// false, it returns an error matching [fs.ErrExist] and creates nothing.
func Create(target string, replace bool) (*File, error) {
	target, err := prepare(target, replace)
	if err != nil {
		return nil, err
	}
	f := &File{target: target, replace: replace}
	_, err = reserve(target, func(name string) (err error) {
		f.File, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		return err
	})
	if err != nil {
		return nil, err
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
	return errors.Join(err, os.Remove(f.Name()))
}
