package atomicfile

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	suffix      = ".bespoke-tmp" // of what is being made
	asideSuffix = ".bespoke-old" // of a folder on its way out
)

// longestBase is the number of bytes of the target's name that a temporary name repeats at most. With what is
// added to them they fit the 255 bytes that file systems permit.
const longestBase = 200

// tempPrefix begins the temporary names of a target. No other target in the same folder has this prefix.
func tempPrefix(target string) string {
	base := filepath.Base(target)
	if len(base) > longestBase {
		base = fmt.Sprintf("%s~%08x", strings.ToValidUTF8(base[:longestBase], ""), crc32.ChecksumIEEE([]byte(base)))
	}
	return "." + base + "."
}

var number = regexp.MustCompile(`^[0-9a-f]{8}$`)

// tempNames returns the paths of all temporary names of target that end with suffix.
func tempNames(target, suffix string) ([]string, error) {
	dir, prefix := filepath.Dir(target), tempPrefix(target)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		middle, ok := strings.CutPrefix(e.Name(), prefix)
		if middle, ok2 := strings.CutSuffix(middle, suffix); ok && ok2 && number.MatchString(middle) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// freeName calls make with hidden names beside target until one is free, and returns that name.
func freeName(target, suffix string, make func(name string) error) (string, error) {
	for try := 0; ; try++ {
		name := filepath.Join(filepath.Dir(target), fmt.Sprintf("%s%08x%s", tempPrefix(target), rand.Uint32(), suffix))
		err := make(name)
		if err == nil || !errors.Is(err, fs.ErrExist) || try == 100 {
			return name, err
		}
	}
}

// reserve makes a temporary name beside target and locks it. The lock is nil where there are no locks.
func reserve(target string, make func(name string) error) (string, *lock, error) {
	for try := 0; ; try++ {
		name, err := freeName(target, suffix, make)
		if err != nil {
			return "", nil, err
		}
		l, err := lockName(name)
		switch {
		case err == nil || errors.Is(err, errors.ErrUnsupported):
			return name, l, nil
		case !errors.Is(err, errHeld) && !errors.Is(err, fs.ErrNotExist) || try == 100:
			return "", nil, errors.Join(err, os.RemoveAll(name))
		}
		// Before it was locked the name looked abandoned, and another process is about to remove it.
	}
}
