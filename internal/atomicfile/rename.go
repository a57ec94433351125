package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

const suffix = ".bespoke-tmp"

// longestBase is how many bytes of the target's name a temporary name repeats: with what is added to them
// they fit the 255 that file systems permit.
const longestBase = 200

func existsError(target string) error {
	return fmt.Errorf("%s: %w", target, fs.ErrExist)
}

// prepare checks the target and returns it in the form that Dir and Base can be taken of.
func prepare(target string, replace bool) (string, error) {
	target, err := filepath.Abs(target)
	if err != nil {
		return "", fmt.Errorf("atomicfile: %w", err)
	}
	switch _, err := os.Lstat(target); {
	case err == nil && !replace:
		return "", existsError(target)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("atomicfile: %w", err)
	}
	return target, nil
}

// reserve calls make with hidden names beside target until one was free.
func reserve(target string, make func(name string) error) (string, error) {
	dir, base := filepath.Split(target)
	base = strings.ToValidUTF8(base[:min(len(base), longestBase)], "")
	for try := 0; ; try++ {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%08x%s", base, rand.Uint32(), suffix))
		err := make(name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrExist) || try == 100 {
			return "", fmt.Errorf("atomicfile: %w", err)
		}
	}
}

// syncTree flushes every file and folder below root, and root itself, leaves first: a folder's entry
// must not reach the disk before what it names.
func syncTree(root string) error {
	var paths []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && (e.IsDir() || e.Type().IsRegular()) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range slices.Backward(paths) {
		if err := syncPath(path); err != nil {
			return err
		}
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Sync()
	if runtime.GOOS == "windows" {
		return nil // neither folders nor files opened for reading can be flushed there
	}
	return err
}
