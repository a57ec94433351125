package checkpoint

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
)

// buffer is the size of the buffer for small writes to a file. Portions are much larger and hardly use it.
const buffer = 64 << 10

// writeFile creates a file, which must not exist, and the folders it lies in. Name is slash-separated. The file has
// exactly these permission bits, whatever the umask; all other bits of mode are left out.
func writeFile(dir, name string, mode fs.FileMode, write func(io.Writer) error) (size int64, err error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	defer func() {
		if err != nil {
			err = fmt.Errorf("checkpoint: write %s: %w", name, err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	out := &eager{f: f}
	w := bufio.NewWriterSize(out, buffer)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		out.flush()
		err = setMode(f, mode&fs.ModePerm)
	}
	return out.size, errors.Join(err, f.Close())
}

// setMode gives a file that is written its permissions.
func setMode(f *os.File, mode fs.FileMode) error {
	// Without permission to read the file, it cannot be opened again later to be flushed.
	if mode&0o400 == 0 {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return f.Chmod(mode)
}

// ahead is how many bytes of a file are written before the disk is told to begin with them.
const ahead = 64 << 20

// An eager writes to a file and lets the disk begin with what is written. So there is less to wait for at the end.
type eager struct {
	f             *os.File
	size, flushed int64
}

func (e *eager) Write(b []byte) (int, error) {
	n, err := e.f.Write(b)
	if e.size += int64(n); e.size-e.flushed >= ahead {
		e.flush()
	}
	return n, err
}

func (e *eager) flush() {
	atomicfile.StartFlush(e.f, e.flushed, e.size-e.flushed)
	e.flushed = e.size
}

// writeBytes is writeFile for bytes at hand.
func writeBytes(dir, name string, mode fs.FileMode, data []byte) error {
	_, err := writeFile(dir, name, mode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	return err
}

// copyFile copies a file, or what a link points to, from one folder to another. The copy has the permission
// bits of the original.
func copyFile(ctx context.Context, toDir, to, fromDir, from string, p Progress) (model.FileSum, error) {
	f, _, err := regular.Open(filepath.Join(fromDir, filepath.FromSlash(from)))
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: copy: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: copy: %w", err)
	}
	return copyOpen(ctx, info.Mode(), toDir, to, f, p)
}

// copyAs is copyFile for a copy with other permission bits.
func copyAs(ctx context.Context, mode fs.FileMode, toDir, to, fromDir, from string, p Progress) (model.FileSum, error) {
	f, _, err := regular.Open(filepath.Join(fromDir, filepath.FromSlash(from)))
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: copy: %w", err)
	}
	defer f.Close()
	return copyOpen(ctx, mode, toDir, to, f, p)
}

// copyOpen copies an open file.
func copyOpen(ctx context.Context, mode fs.FileMode, toDir, to string, f *os.File, p Progress) (model.FileSum, error) {
	var sum model.Summer
	_, err := writeFile(toDir, to, mode, func(w io.Writer) error {
		_, err := io.CopyBuffer(io.MultiWriter(w, &sum), &contextReader{ctx, f, p}, portionOf(f))
		return err
	})
	return sum.Sum(), err
}

// sumFile returns the sum of a file.
func sumFile(ctx context.Context, path string, p Progress) (model.FileSum, error) {
	f, _, err := regular.Open(path)
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	var sum model.Summer
	if _, err := io.CopyBuffer(&sum, &contextReader{ctx, f, p}, portionOf(f)); err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return sum.Sum(), nil
}

// portionOf returns memory to read a file through. It is not larger than the file needs.
func portionOf(f *os.File) []byte {
	size := int64(portion)
	if info, err := f.Stat(); err == nil {
		size = max(1, min(size, info.Size()))
	}
	return make([]byte, size)
}

// inside returns an error if the file at a slash-separated path in a folder is a link that leads out of the
// folder. A container from elsewhere must not cause files of this machine to be copied. Links of the Hugging Face
// cache, from MODEL/snapshots/REVISION to MODEL/blobs, are allowed if MODEL/blobs is a folder and no link itself.
func inside(dir, path string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return err
	}
	if within(real, root) {
		return nil
	}
	if snapshots := filepath.Dir(root); filepath.Base(snapshots) == "snapshots" {
		blobs := filepath.Join(filepath.Dir(snapshots), "blobs")
		if info, err := os.Lstat(blobs); err == nil && info.IsDir() && within(real, blobs) {
			return nil
		}
	}
	return fmt.Errorf("%s is a link out of its folder, to %s", filepath.Join(dir, path), real)
}

// fileBytes returns words as they lie in files, little-endian. The result uses the memory of the words. On a
// big-endian machine the words are not valid any more afterwards.
func fileBytes(words []uint16) []byte {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words))
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		for i, w := range words {
			binary.LittleEndian.PutUint16(b[2*i:], w)
		}
	}
	return b
}
