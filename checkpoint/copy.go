package checkpoint

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
)

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
func copyFile(ctx context.Context, toDir, to, fromDir, from string, p Progress) (model.FileSum, error) {
	f, size, err := regular.Open(filepath.Join(fromDir, filepath.FromSlash(from)))
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: copy: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: copy: %w", err)
	}
	var sum model.Summer
	_, err = writeFileMode(toDir, to, info.Mode().Perm()|0o200, func(w io.Writer) error {
		_, err := io.CopyBuffer(io.MultiWriter(w, &sum), &contextReader{ctx, f, p}, blockOf(size))
		return err
	})
	return sum.Sum(), err
}

// sumFile returns the sum of a file.
func sumFile(ctx context.Context, path string, p Progress) (model.FileSum, error) {
	f, size, err := regular.Open(path)
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	var sum model.Summer
	if _, err := io.CopyBuffer(&sum, &contextReader{ctx, f, p}, blockOf(size)); err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return sum.Sum(), nil
}

// blockOf returns memory to read a file of that size through.
func blockOf(size int64) []byte { return make([]byte, max(1, min(size, block))) }
