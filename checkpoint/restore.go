package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// filesAtOnce is how many files are restored at a time. The hash of a file cannot be divided among
// processors, so they are kept busy with several.
const filesAtOnce = 8

// restore writes the files that the sidecar lists.
func (w *decompressor) restore() error {
	var total int64
	for i := range w.d.Sidecar.Files {
		f := &w.d.Sidecar.Files[i]
		total += f.Size
		for _, t := range f.Tensors() {
			w.count(t.Name)
		}
	}
	w.report.Files, w.report.Bytes = len(w.d.Sidecar.Files), uint64(total)
	w.p.Stage("restoring", total, "")
	group, ctx := errgroup.WithContext(w.ctx)
	group.SetLimit(filesAtOnce)
	for i := range w.d.Sidecar.Files {
		group.Go(func() error {
			f := &w.d.Sidecar.Files[i]
			sum, err := w.file(ctx, f)
			if err != nil {
				return err
			}
			if want := (fileSum{f.Size, f.SHA256}); sum != want {
				return fmt.Errorf("checkpoint: %s: restored %d bytes with sha256 %s, the original has %d with %s", f.Path, sum.size, sum.sum, want.size, want.sum)
			}
			return nil
		})
	}
	return group.Wait()
}

// file restores a file and returns what was written.
func (w *decompressor) file(ctx context.Context, f *model.SidecarFile) (fileSum, error) {
	switch f.Kind {
	case model.Copied:
		return copyFile(ctx, w.out.Path(), f.Path, w.d.Dir, f.StoredPath(), w.p)
	case model.Inline:
		w.p.Advance(f.Size)
		return sumOf([]byte(f.Text)), writeBytes(w.out.Path(), f.Path, []byte(f.Text))
	}
	pieces, err := w.weightsFile(f)
	if err != nil {
		return fileSum{}, fmt.Errorf("checkpoint: %s: %w", f.Path, err)
	}
	hash := sha256.New()
	size, err := writeFile(w.out.Path(), f.Path, func(out io.Writer) error {
		return w.send(ctx, pieces, hash, out)
	})
	return fileSum{size, hex.EncodeToString(hash.Sum(nil))}, err
}

// weightsFile cuts an original safetensors file into pieces.
func (w *decompressor) weightsFile(f *model.SidecarFile) ([]piece, error) {
	list := split(nil, model.FileStart([]byte(f.Header)))
	for _, t := range f.Tensors() {
		if raw := w.raw[t.Name]; raw != nil && (raw.DType != t.DType || !slices.Equal(raw.Shape, t.Shape)) {
			return nil, fmt.Errorf("tensor %q: %s %v in the checkpoint, %s %v in the original", t.Name, raw.DType, raw.Shape, t.DType, t.Shape)
		}
		var err error
		if list, err = w.tensor(list, t.Name, t.Size()); err != nil {
			return nil, err
		}
	}
	return list, nil
}
