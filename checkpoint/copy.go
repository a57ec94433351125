package checkpoint

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/internal/regular"
)

// A fileSum is the size of a file and its sha256 in hexadecimal digits.
type fileSum struct {
	size int64
	sum  string
}

func sumOf(text []byte) fileSum {
	hash := sha256.Sum256(text)
	return fileSum{int64(len(text)), hex.EncodeToString(hash[:])}
}

// buffer is the size of the buffer that small writes to a file go through. Blocks are much larger and hardly
// touch it.
const buffer = 64 << 10

// writeFile creates a file, which must not exist, and the folders it lies in. Name is slash-separated.
func writeFile(dir, name string, write func(io.Writer) error) (size int64, err error) {
	return writeFileMode(dir, name, 0o666, write)
}

func writeFileMode(dir, name string, mode os.FileMode, write func(io.Writer) error) (size int64, err error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	defer func() {
		if err != nil {
			err = fmt.Errorf("checkpoint: write %s: %w", name, err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, buffer)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	return size, errors.Join(err, f.Close())
}

// writeHashed is writeFile that returns what it wrote.
func writeHashed(dir, name string, mode os.FileMode, write func(io.Writer) error) (fileSum, error) {
	hash := sha256.New()
	size, err := writeFileMode(dir, name, mode, func(w io.Writer) error { return write(io.MultiWriter(w, hash)) })
	return fileSum{size, hex.EncodeToString(hash.Sum(nil))}, err
}

// writeBytes is writeFile for bytes at hand.
func writeBytes(dir, name string, data []byte) error {
	_, err := writeFile(dir, name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	return err
}

// copyFile copies a file, or what a link points to, from one folder to another. The copy has the
// permissions of the original, and can be written by its owner.
func copyFile(ctx context.Context, toDir, to, fromDir, from string, p Progress) (fileSum, error) {
	f, _, err := regular.Open(filepath.Join(fromDir, filepath.FromSlash(from)))
	if err != nil {
		return fileSum{}, fmt.Errorf("checkpoint: copy: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fileSum{}, fmt.Errorf("checkpoint: copy: %w", err)
	}
	return writeHashed(toDir, to, info.Mode().Perm()|0o200, func(w io.Writer) error {
		_, err := io.CopyBuffer(w, &contextReader{ctx, f, p}, make([]byte, block))
		return err
	})
}

// hashFile returns the size and sha256 of a file.
func hashFile(ctx context.Context, path string, p Progress) (fileSum, error) {
	f, _, err := regular.Open(path)
	if err != nil {
		return fileSum{}, fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.CopyBuffer(hash, &contextReader{ctx, f, p}, make([]byte, block))
	if err != nil {
		return fileSum{}, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return fileSum{size, hex.EncodeToString(hash.Sum(nil))}, nil
}
