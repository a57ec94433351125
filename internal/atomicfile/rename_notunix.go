//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
)

// renameOverEmpty renames a folder to an empty one, which it replaces. The error matches [fs.ErrExist] if that
// folder is not empty.
func renameOverEmpty(from, to string) error {
	if empty, err := isEmpty(to); err != nil {
		return err
	} else if !empty {
		return existsError(to)
	}
	if err := os.Remove(to); err != nil {
		return err
	}
	return renameChecked(from, to)
}

func sameDevice(a, b fs.FileInfo) bool { return true }
