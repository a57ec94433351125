package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// renameChecked is renameNew for systems without a rename that refuses an existing target.
func renameChecked(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return err
		}
		return existsError(to)
	}
	return os.Rename(from, to)
}
