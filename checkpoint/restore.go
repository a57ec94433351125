package checkpoint

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// filesAtOnce is how many files are restored at a time: writing one keeps no more than one processor busy.
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
		side(group, func() error {
			f := &w.d.Sidecar.Files[i]
			sum, err := w.file(ctx, f)
			if err != nil {
				return err
			}
			if sum != f.FileSum {
				return fmt.Errorf("checkpoint: %s: restored %v, the original has %v", f.Path, sum, f.FileSum)
			}
			return nil
		})
	}
	return group.Wait()
}

// file restores a file and returns what was written.
func (w *decompressor) file(ctx context.Context, f *model.SidecarFile) (model.FileSum, error) {
	switch f.Kind {
	case model.Copied:
		if err := inside(w.d.Dir, f.StoredPath()); err != nil {
			return model.FileSum{}, fmt.Errorf("checkpoint: %s: %w", f.Path, err)
		}
		return copyAs(ctx, os.FileMode(f.Mode), w.out.Path(), f.Path, w.d.Dir, f.StoredPath(), w.p)
	case model.Inline:
		w.p.Advance(f.Size)
		_, err := writeFile(w.out.Path(), f.Path, os.FileMode(f.Mode), func(out io.Writer) error {
			_, err := io.WriteString(out, f.Text)
			return err
		})
		return model.SumOf([]byte(f.Text)), err
	}
	pieces, err := w.weightsFile(f)
	if err != nil {
		return model.FileSum{}, fmt.Errorf("checkpoint: %s: %w", f.Path, err)
	}
	var sum model.Summer
	_, err = writeFile(w.out.Path(), f.Path, os.FileMode(f.Mode), func(out io.Writer) error {
		return w.send(ctx, pieces, &sum, out)
	})
	return sum.Sum(), err
}

// weightsFile cuts an original safetensors file into pieces.
func (w *decompressor) weightsFile(f *model.SidecarFile) ([]piece, error) {
	list := split(nil, model.FileStart([]byte(f.Header)))
	for _, t := range f.Tensors() {
		var err error
		if list, err = w.tensor(list, t.Name, t.Size()); err != nil {
			return nil, err
		}
	}
	return list, nil
}
