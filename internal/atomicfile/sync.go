package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// syncsAtOnce is the number of files that are flushed at a time. A disk works on several requests at once.
const syncsAtOnce = 8

// syncTree flushes every file and folder below root, and root itself, leaves first: a folder's entry must not
// reach the disk before the file or folder that it names. A file that its owner may not read is left out; the code
// that took that permission away has flushed the file before.
func syncTree(root string) error {
	var folders []string
	var files errgroup.Group
	files.SetLimit(syncsAtOnce)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			folders = append(folders, path)
		case e.Type().IsRegular():
			info, err := e.Info()
			if err != nil {
				return err
			}
			if info.Mode()&0o400 != 0 {
				files.Go(func() error { return syncPath(path) })
			}
		}
		return nil
	})
	if err := errors.Join(err, files.Wait()); err != nil {
		return err
	}
	for _, path := range slices.Backward(folders) {
		if err := syncPath(path); err != nil {
			return err
		}
	}
	return nil
}

var flush = (*os.File).Sync // set by tests

// syncPath flushes a file or folder, if the file system can do that.
func syncPath(path string) error {
	if runtime.GOOS == "windows" {
		return nil // some file systems can flush neither folders nor files opened for reading
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	err = flush(f)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
