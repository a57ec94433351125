package checkpoint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/model"
)

// storedFolder holds the copies of files that must not lie at their own place in a DF11 folder.
const storedFolder = "original"

// sidecar writes config.json, copies the other files and writes down how to restore all of them.
func (w *compressor) sidecar() error {
	if err := w.config(); err != nil {
		return err
	}
	s := &model.Sidecar{Scheme: w.report.Scheme, Index: w.report.Index}
	for i, u := range w.plan.Units {
		book := w.books.Books[w.books.Unit[i]]
		s.Units = append(s.Units, model.SidecarUnit{Name: u.Name, Book: book.Fingerprint().String()})
	}
	weights, err := w.weights()
	if err != nil {
		return err
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
				return err
			}
		}
		s.Files = append(s.Files, *file)
	}
	text, err := s.Marshal()
	if err != nil {
		return err
	}
	return writeBytes(w.out.Path(), model.SidecarName, text)
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
		files[path] = &model.SidecarFile{
			Path: path, FileSum: w.sums[i], Kind: model.Safetensors, Header: string(f.HeaderText()),
		}
	}
	return files, nil
}

// config writes config.json with dfloat11_config.
func (w *compressor) config() error {
	patterns, err := w.plan.PatternDict()
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
	return writeBytes(w.out.Path(), model.ConfigName, text)
}

// file says how to restore a file that holds no weights, and copies it if that is how.
func (w *compressor) file(path string) (*model.SidecarFile, error) {
	file := &model.SidecarFile{Path: path}
	if path != model.ConfigName && !model.IsIndex(path) {
		return w.copied(file)
	}
	text, err := os.ReadFile(filepath.Join(w.c.Dir, path))
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

// copied copies a file to its own place, unless loaders would take it there for something else.
func (w *compressor) copied(file *model.SidecarFile) (*model.SidecarFile, error) {
	file.Kind = model.Copied
	// The first part alone, in lower case: folders have the same names to choose from, and some file
	// systems do not tell cases apart.
	top, _, _ := strings.Cut(strings.ToLower(file.Path), "/")
	if strings.HasSuffix(top, model.Extension) || model.IsIndex(file.Path) ||
		slices.Contains([]string{model.ConfigName, model.SidecarName, storedFolder}, top) {
		file.Stored = storedFolder + "/" + file.Path
	}
	var err error
	file.FileSum, err = copyFile(w.ctx, w.out.Path(), file.StoredPath(), w.c.Dir, file.Path, w.p)
	return file, err
}
