package checkpoint

import (
	"bytes"
	"fmt"
	"path/filepath"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/internal/regular"
	"github.com/seed54244801/bespoke/model"
)

// maxInline bounds a file that is kept in the sidecar.
const maxInline = 256 << 20

// sidecar writes config.json, copies the other files and returns how to restore all of them, but for the sums: those
// of tensors, and where reading back finds them those of the safetensors files.
func (w *compressor) sidecar(single bool) (*model.Sidecar, error) {
	if err := w.config(); err != nil {
		return nil, err
	}
	s := &model.Sidecar{Scheme: w.report.Scheme, Index: w.report.Index}
	for i, u := range w.partition.Units {
		book, file := w.units[i].Book, w.unitFiles[i]
		if single {
			file = model.RestFileName
		}
		s.Units = append(s.Units, model.SidecarUnit{Name: u.Name, Book: book.Fingerprint().String(), File: file})
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

// config writes config.json with dfloat11_config.
func (w *compressor) config() error {
	patterns, err := w.partition.PatternDict()
	if err != nil {
		return err
	}
	var text []byte
	if w.c.Config != nil {
		text = w.c.Config.Raw
	}
	if text, err = model.NewDF11Config(patterns).InsertInto(text); err != nil {
		return err
	}
	w.container.beside = map[string]model.FileSum{model.ConfigName: model.SumOf(text)}
	return writeBytes(w.out.Path(), model.ConfigName, w.mode(true), text)
}

// file says how to restore a file that holds no weights, and copies it if that is how.
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
