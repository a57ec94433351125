//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

func openLocked(path string) (*os.File, error) { return nil, errors.ErrUnsupported }

func isOurs(fs.FileInfo) bool { return false }
