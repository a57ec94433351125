package checkpoint

import (
	"context"
	"fmt"
	"path/filepath"
	goruntime "runtime"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// readBack decodes the output and holds all of it against what was read of the model: every tensor, and every file
// that was copied. It completes the sidecar with the sums of the safetensors files: those of what was decoded.
func (w *compressor) readBack(s *model.Sidecar) error {
	d, m, err := openDF11(w.out.Path(), nil, nil)
	if err != nil {
		return fmt.Errorf("checkpoint: the output cannot be read back: %w", err)
	}
	defer m.Close()
	d.Sums = s.Sums
	w.p.Stage("checking indices", int64(len(d.Units)), "units")
	for _, u := range d.Units {
		for _, t := range u.Index {
			if have, want := model.SumTensor(t.Bytes()), s.Sums[t.Name]; have != want {
				return fmt.Errorf("checkpoint: tensor %q of %s is not what was written: xxh128 %v, must be %v", t.Name, t.File(), have, want)
			}
		}
	}
	r := newDecompressor(w.ctx, d, m, nil, w.p)
	var total int64
	for i := range s.Files {
		total += s.Files[i].Size
	}
	w.p.Stage("reading back", total, "")
	group, ctx := errgroup.WithContext(w.ctx)
	group.SetLimit(min(goruntime.GOMAXPROCS(0), filesAtOnce))
	for i := range s.Files {
		group.Go(func() error {
			if err := r.readBack(ctx, &s.Files[i]); err != nil {
				return fmt.Errorf("%w: the model changed while it was compressed, or the output is not what was written", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// readBack restores a file into nothing. The sum of one that holds weights is set, that of a copy checked.
func (w *decompressor) readBack(ctx context.Context, f *model.SidecarFile) error {
	switch f.Kind {
	case model.Inline:
		w.p.Advance(f.Size)
		return nil
	case model.Copied:
		sum, err := sumFile(ctx, filepath.Join(w.d.Dir, filepath.FromSlash(f.StoredPath())), w.p)
		if err == nil && sum != f.FileSum {
			err = fmt.Errorf("checkpoint: %s: read back %v, copied %v", f.StoredPath(), sum, f.FileSum)
		}
		return err
	}
	if err := f.ParseHeader(); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", f.Path, err)
	}
	pieces, err := w.weightsFile(f)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", f.Path, err)
	}
	var sum model.Summer
	if err := w.send(ctx, pieces, &sum); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", f.Path, err)
	}
	f.FileSum = sum.Sum()
	return nil
}
