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
	s := &model.Sidecar{Scheme: w.report.Scheme}
	for i, u := range w.plan.Units {
		book := w.books.Books[w.books.Unit[i]]
		s.Units = append(s.Units, model.SidecarUnit{Name: u.Name, Book: book.Fingerprint().String()})
	}
	headers := map[string][]byte{}
	for _, f := range w.c.Files {
		name, err := filepath.Rel(w.c.Dir, f.Path())
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		headers[filepath.ToSlash(name)] = f.HeaderText()
	}
	for _, f := range w.c.Listed {
		file, err := w.file(f, headers[f.Path])
		if err != nil {
			return err
		}
		s.Files = append(s.Files, *file)
	}
	text, err := s.Marshal()
	if err != nil {
		return err
	}
	return writeBytes(w.out.Path(), model.SidecarName, text)
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

// file says how to restore an original file, and copies it if that is how.
func (w *compressor) file(f model.ListedFile, header []byte) (*model.SidecarFile, error) {
	file := &model.SidecarFile{Path: f.Path}
	var sum fileSum
	switch {
	case f.Weights:
		var err error
		file.Kind, file.Header = model.Safetensors, string(header)
		if sum, err = hashFile(w.ctx, filepath.Join(w.c.Dir, filepath.FromSlash(f.Path)), w.p); err != nil {
			return nil, err
		}
	case f.Path == model.ConfigName || model.IsIndex(f.Path):
		text, err := os.ReadFile(filepath.Join(w.c.Dir, f.Path))
		if err != nil {
			return nil, fmt.Errorf("checkpoint: %w", err)
		}
		if f.Path == model.ConfigName && !bytes.Equal(text, w.c.Config.Raw) {
			return nil, fmt.Errorf("checkpoint: %s changed while it was compressed", f.Path)
		}
		if !utf8.Valid(text) {
			return w.copied(file)
		}
		w.p.Advance(int64(len(text)))
		file.Kind, file.Text, sum = model.Inline, string(text), sumOf(text)
	default:
		return w.copied(file)
	}
	file.Size, file.SHA256 = sum.size, sum.sum
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
	sum, err := copyFile(w.ctx, w.out.Path(), file.StoredPath(), w.c.Dir, file.Path, w.p)
	if err != nil {
		return nil, err
	}
	file.Size, file.SHA256 = sum.size, sum.sum
	return file, nil
}
