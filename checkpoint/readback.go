package checkpoint

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// readBack decodes the output and holds all of it against what was read of the model: every tensor, and every file
// that was copied.
func (w *compressor) readBack(s *model.Sidecar) error {
	d, err := model.OpenDF11(w.out.Path())
	if err != nil {
		return fmt.Errorf("checkpoint: the output cannot be read back: %w", err)
	}
	for _, u := range d.Units {
		for i := range u.Tensors {
			sum := w.tensors[u.Tensors[i].Name] // of what is no tensor of the model, none that it can have
			u.Tensors[i].Sum = &sum
		}
	}
	m, err := runtime.New(d, runtime.WithChecks(runtime.CheckAlways))
	if err != nil {
		return errors.Join(err, d.Close())
	}
	defer m.Close()
	if err := model.Guard(func() error { return w.compareBack(s, d, m) }); err != nil {
		return fmt.Errorf("%w: the model changed while it was compressed, or the output is not what was written", err)
	}
	return nil
}

// compareBack is readBack for an output that is open.
func (w *compressor) compareBack(s *model.Sidecar, d *model.DF11, m *runtime.Model) error {
	w.p.Stage("checking indices", int64(len(d.Units)), "units")
	for _, u := range d.Units {
		for _, t := range u.Index {
			if err := checkSum(t, s.Sums); err != nil {
				return err
			}
		}
		w.p.Advance(1)
	}
	total := int64(2*w.report.CodedWeights + w.report.Stored.Raw)
	for i := range s.Files {
		if f := &s.Files[i]; f.Kind == model.Copied {
			total += f.Size
		}
	}
	w.p.Stage("reading back", total, "")
	r := newDecompressor(w.ctx, d, m, nil, w.p)
	for i := range s.Files {
		if err := r.checkFile(&s.Files[i]); err != nil {
			return err
		}
	}
	for _, t := range d.Rest {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := checkSum(t, w.tensors); err != nil {
			return err
		}
		w.p.Advance(int64(t.Size()))
	}
	return m.DecodeAll(w.ctx, func(u runtime.Unit, _ []uint16) error {
		w.p.Advance(2 * int64(u.Elements))
		return nil
	})
}

// checkFile holds a copied file against its sum, and one of weights against the sizes of what is there for it.
func (w *decompressor) checkFile(f *model.SidecarFile) error {
	switch f.Kind {
	case model.Copied:
		sum, err := sumFile(w.ctx, filepath.Join(w.d.Dir, filepath.FromSlash(f.StoredPath())), w.p)
		if err == nil && sum != f.FileSum {
			err = fmt.Errorf("checkpoint: %s: read back %v, copied %v", f.StoredPath(), sum, f.FileSum)
		}
		return err
	case model.Safetensors:
		err := f.ParseHeader()
		if err == nil {
			_, err = w.weightsFile(f)
		}
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", f.Path, err)
		}
	}
	return nil
}

// checkSum holds a tensor, as it is stored, against its sum.
func checkSum(t *model.Tensor, sums map[string]model.TensorSum) error {
	if have, want := model.SumTensor(t.Bytes()), sums[t.Name]; have != want {
		return fmt.Errorf("checkpoint: tensor %q of %s has xxh128 %v, must be %v", t.Name, t.File(), have, want)
	}
	return nil
}
