// Package regular reads regular files and nothing else. A named pipe would block the open call, and a device may
// never end. Both can lie in a folder under the name of a model's file.
package regular

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Open opens the regular file at path, or the one that a link at path leads to, and returns its size in bytes. The
// error is an [*fs.PathError].
func Open(path string) (*os.File, int64, error) {
	// The file is looked at before it is opened, because opening a pipe blocks.
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if err := check(path, info); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil {
		err = check(path, info)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// Read reads the regular file at path, which has at most limit bytes.
// The error is an [*fs.PathError].
func Read(path string, limit int64) ([]byte, error) {
	f, size, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%d bytes, max %d", size, limit)}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("grown beyond %d bytes meanwhile", limit)}
	}
	return data, err
}

// Odd says what is at path instead of a regular file or a link to one. It returns "" for such a file.
func Odd(path string) string {
	if _, err := os.Lstat(path); err != nil {
		return "not there"
	}
	info, err := os.Stat(path)
	if err != nil {
		return "a link that leads nowhere"
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return ""
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

func check(path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("not a regular file (%v)", info.Mode().Type())}
}
