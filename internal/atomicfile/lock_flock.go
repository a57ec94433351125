//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openLocked opens the file or folder at path and locks it.
func openLocked(path string) (*os.File, error) {
	// A pipe must not block, and a link must not be followed.
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	_, err = retry(func() (int, error) { return 0, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), path), nil
	case errors.Is(err, unix.EWOULDBLOCK):
		err = errHeld
	case errors.Is(err, unix.EBADF), errors.Is(err, unix.EINVAL): // as some network file systems have it for folders
		err = fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	unix.Close(fd)
	return nil, err
}

// retry calls do again as long as a signal interrupts it.
func retry(do func() (int, error)) (int, error) {
	for {
		if n, err := do(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// isOurs reports whether a file belongs to the user that this process runs as.
func isOurs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
