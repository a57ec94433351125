package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// abandoned calls visit with each temporary name of target that no process holds, locked. What belongs to
// others, is neither a file nor a folder, or cannot be locked is left alone.
func abandoned(target, suffix string, visit func(name string, l *lock)) {
	names, _ := tempNames(target, suffix) // a folder that cannot be read has nothing to offer
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

// Sweep does for a target what NewDir and Create begin with: it puts back what a process that was killed had
// set aside, and removes what else such processes left. It is for who finds that there is nothing to write.
func Sweep(target string) {
	if target, err := Resolve(target); err == nil {
		putBack(target)
		sweep(target)
	}
}

// putBack renames back what a process that was killed had set aside for a folder that never came.
func putBack(target string) {
	abandoned(target, asideSuffix, func(name string, l *lock) {
		defer l.release()
		_ = renameNew(name, target)
	})
}

// sweep removes what processes that were killed have left beside target. What cannot be removed stays: it is
// in nobody's way.
func sweep(target string) {
	for _, suffix := range []string{suffix, asideSuffix} {
		abandoned(target, suffix, func(name string, l *lock) {
			defer l.release()
			_ = removeAll(name)
		})
	}
}

// removeAll is [os.RemoveAll] that does not stop at folders without permission to write.
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
