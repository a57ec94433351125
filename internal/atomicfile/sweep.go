package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// abandoned calls visit with each temporary name of target that no process holds, locked. It leaves alone names
// that belong to other users, that are neither a file nor a folder, or that cannot be locked.
func abandoned(target, suffix string, visit func(name string, l *lock)) {
	names, _ := tempNames(target, suffix) // a folder that cannot be read counts as empty
	for _, name := range names {
		info, err := os.Lstat(name)
		if err != nil || !info.IsDir() && !info.Mode().IsRegular() || !isOurs(info) {
			continue
		}
		if l, err := lockName(name); err == nil {
			visit(name, l)
		}
	}
}

// Sweep does for a target what NewDir and Create do first: it renames back what a killed process had set aside,
// and removes everything else that killed processes left. It is for callers that find that there is nothing to
// write.
func Sweep(target string) {
	if target, err := Resolve(target); err == nil {
		putBack(target)
		sweep(target)
	}
}

// putBack renames back the folder that a killed process had set aside for a new folder that did not appear.
func putBack(target string) {
	abandoned(target, asideSuffix, func(name string, l *lock) {
		defer l.release()
		_ = renameNew(name, target)
	})
}

// sweep removes what killed processes have left beside target. Names that cannot be removed stay and do no harm.
func sweep(target string) {
	for _, suffix := range []string{suffix, asideSuffix} {
		abandoned(target, suffix, func(name string, l *lock) {
			defer l.release()
			_ = removeAll(name)
		})
	}
}

// removeAll is [os.RemoveAll], but it also removes folders without permission to write.
func removeAll(name string) error {
	err := os.RemoveAll(name)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(name, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return err
	})
	return os.RemoveAll(name)
}
