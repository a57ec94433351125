//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// renameOverEmpty renames a folder to an empty one, which it replaces in one step. The error matches [fs.ErrExist]
// if that folder is not empty.
func renameOverEmpty(from, to string) error {
	// os.Rename would refuse this.
	switch err := syscall.Rename(from, to); {
	case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.EEXIST):
		return existsError(to)
	case err != nil:
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// sameDevice reports whether two files lie on the same file system.
func sameDevice(a, b fs.FileInfo) bool {
	x, ok := a.Sys().(*syscall.Stat_t)
	y, ok2 := b.Sys().(*syscall.Stat_t)
	return !ok || !ok2 || x.Dev == y.Dev
}
