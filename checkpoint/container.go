package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// maxInline bounds a file that is kept in the sidecar.
const maxInline = 256 << 20

// sidecar writes config.json, copies the other files, and returns the sidecar, which says how to restore all of
// them. It lacks the sums of tensors, which are known later.
func (w *compressor) sidecar(single bool) (*model.Sidecar, error) {
	if err := w.config(); err != nil {
		return nil, err
	}
	s := new(model.Sidecar)
	w.coder.sidecar(s)
	for i, u := range w.partition.Units {
		file := w.unitFiles[i]
		if single {
			file = model.RestFileName
		}
		s.Units = append(s.Units, model.SidecarUnit{Name: u.Name, Book: w.coder.book(i), File: file})
	}
	weights, err := w.weights()
	if err != nil {
		return nil, err
	}
	var others int64
	for _, f := range w.c.Listed {
		if weights[f.Path] == nil {
			others += f.Size
		}
	}
	w.p.Stage("copying", others, "")
	for _, f := range w.c.Listed {
		file := weights[f.Path]
		if file == nil {
			if file, err = w.file(f.Path); err != nil {
				return nil, err
			}
		}
		file.Mode = model.FileMode(f.Mode)
		s.Files = append(s.Files, *file)
	}
	return s, nil
}

// weights says how to restore the safetensors files, by path.
func (w *compressor) weights() (map[string]*model.SidecarFile, error) {
	files := map[string]*model.SidecarFile{}
	for i, f := range w.c.Files {
		name, err := filepath.Rel(w.c.Dir, f.Path())
		if err != nil {
			return nil, fmt.Errorf("checkpoint: %w", err)
		}
		path := filepath.ToSlash(name)
		file := &model.SidecarFile{
			Path: path, FileSum: w.sums[i], Kind: model.Safetensors, Header: string(f.HeaderText()),
		}
		files[path] = file
	}
	return files, nil
}

// config writes config.json with what says how the model is coded.
func (w *compressor) config() error {
	var text []byte
	if w.c.Config != nil {
		text = w.c.Config.Raw
	}
	text, err := w.coder.config(text, w.partition)
	if err != nil {
		return err
	}
	w.container.beside = map[string]model.FileSum{model.ConfigName: model.SumOf(text)}
	return writeBytes(w.out.Path(), model.ConfigName, w.mode(true), text)
}

// file says how to restore a file that holds no weights. It copies the file unless the sidecar keeps its text.
func (w *compressor) file(path string) (*model.SidecarFile, error) {
	file := &model.SidecarFile{Path: path}
	if !model.MayInline(path) {
		return w.copied(file)
	}
	text, err := regular.Read(filepath.Join(w.c.Dir, path), maxInline)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if path == model.ConfigName && !bytes.Equal(text, w.c.Config.Raw) {
		return nil, fmt.Errorf("checkpoint: %s changed while it was compressed", path)
	}
	if !utf8.Valid(text) {
		return w.copied(file)
	}
	w.p.Advance(int64(len(text)))
	file.FileSum, file.Kind, file.Text = model.SumOf(text), model.Inline, string(text)
	return file, nil
}

// copied copies a file.
func (w *compressor) copied(file *model.SidecarFile) (*model.SidecarFile, error) {
	file.Kind = model.Copied
	var err error
	file.FileSum, err = copyFile(w.ctx, w.out.Path(), file.StoredPath(), w.c.Dir, file.Path, w.p)
	w.container.beside[file.StoredPath()] = file.FileSum
	return file, err
}

// containerSums collects the sums of the parts of a container while it is written.
type containerSums struct {
	mu     sync.Mutex
	stored map[string]model.TensorSum // of the stored tensors, by name

	// beside holds the sums of the files other than safetensors files, by path.
	beside map[string]model.FileSum

	// files is what the metadata of every file tell. It is nil if the metadata must stay as the published encoder
	// writes them.
	files *model.Sums
}

// storedSums returns the sums of entries whose Data are set.
func storedSums(entries []model.Entry) map[string]model.TensorSum {
	sums := map[string]model.TensorSum{}
	for i := range entries {
		sums[entries[i].Name] = model.SumTensor(entries[i].Data)
	}
	return sums
}

// note adds the sums of stored tensors.
func (s *containerSums) note(stored map[string]model.TensorSum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored == nil {
		s.stored = map[string]model.TensorSum{}
	}
	maps.Copy(s.stored, stored)
}

// metadata returns the metadata of a file: plain, and the sums of its tensors and of other files.
func (s *containerSums) metadata(plain map[string]string, sums map[string]model.TensorSum, beside map[string]model.FileSum) map[string]string {
	if s.files == nil {
		return plain
	}
	file := *s.files
	file.Tensors, file.Beside = sums, beside
	return file.Metadata(plain)
}

// all returns the sums of the stored tensors and of the given tensors, to which they decode.
func (s *containerSums) all(tensors map[string]model.TensorSum) map[string]model.TensorSum {
	all := maps.Clone(tensors)
	maps.Copy(all, s.stored)
	return all
}

// readBack decodes the output and compares all of it with what was read of the model: every tensor, and every file
// that was copied.
func (w *compressor) readBack(s *model.Sidecar) error {
	d, err := model.OpenContainer(w.out.Path())
	if err != nil {
		return fmt.Errorf("checkpoint: the output cannot be read back: %w", err)
	}
	for _, u := range d.Units {
		for i := range u.Tensors {
			sum := w.tensors[u.Tensors[i].Name] // a tensor that the model has not gets zeros, which do not match
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
func (w *compressor) compareBack(s *model.Sidecar, d *model.Container, m *runtime.Model) error {
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

// checkFile compares a copied file with its sum. For a safetensors file it compares the sizes of the tensors with
// those in the container.
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

// checkSum compares a tensor, as it is stored, with its sum.
func checkSum(t *model.Tensor, sums map[string]model.TensorSum) error {
	if have, want := model.SumTensor(t.Bytes()), sums[t.Name]; have != want {
		return fmt.Errorf("checkpoint: tensor %q of %s has xxh128 %v, must be %v", t.Name, t.File(), have, want)
	}
	return nil
}
