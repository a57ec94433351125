package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// ErrShapes and ErrNames are wrapped by the error of [Decompress] for a checkpoint that does not tell the shapes
// of tensors, or their names.
var (
	ErrShapes = errors.New("unknown shape")
	ErrNames  = errors.New("unknown names of tensors")
)

// rebuild writes a model from a checkpoint without a sidecar: nothing tells from which files it was made.
func (w *decompressor) rebuild(opts DecompressOptions) error {
	w.report.Missing = append(w.report.Missing, findMissing(w.d)...)
	if err := w.shapes(opts); err != nil {
		return err
	}
	if w.d.Sums == nil && w.d.Codec() == model.RANS {
		if err := w.blocks(); err != nil {
			return err
		}
	}
	if err := w.weights(); err != nil {
		return err
	}
	if w.d.Path != w.d.Dir {
		return nil // opened by the name of one file: the files beside it may belong to something else
	}
	return w.others()
}

// blocks compares all coded weights with the checksums of their blocks: a checkpoint without sums has no others.
func (w *decompressor) blocks() error {
	var total int64
	for _, u := range w.d.Units {
		total += 2 * int64(u.Elements())
	}
	w.p.Stage("checking blocks", total, "")
	return w.m.DecodeAll(w.ctx, func(u runtime.Unit, weights []uint16) error {
		unit := w.d.Unit(u.Name)
		if err := checkBlocks(unit, fileBytes(weights)); err != nil {
			return fmt.Errorf("checkpoint: %s: unit %q: %w", unit.File, u.Name, err)
		}
		w.p.Advance(2 * int64(u.Elements))
		return nil
	})
}

// shapes completes the shapes of the coded tensors.
func (w *decompressor) shapes(opts DecompressOptions) error {
	var from *model.Checkpoint
	if opts.Shapes != "" {
		var err error
		if from, err = model.OpenWith(opts.Shapes, opts.Open); err != nil {
			return err
		}
		defer from.Close()
		if w.d.Path == w.d.Dir {
			w.compareNames(from)
		}
	}
	if len(w.report.Missing) > 0 && !opts.Incomplete {
		return &model.MissingError{Path: w.d.Path, List: w.report.Missing}
	}
	var missing, unnamed []string
	for _, u := range w.d.Units {
		if !u.Named {
			unnamed = append(unnamed, u.Name)
		}
		for i := range u.Tensors {
			t := &u.Tensors[i]
			if from != nil {
				if other := from.Tensor(t.Name); other != nil {
					if other.Elements() != uint64(t.Elements) {
						return fmt.Errorf("checkpoint: tensor %q has %d elements, but shape %v in %s", t.Name, t.Elements, other.Shape, opts.Shapes)
					}
					t.Shape = other.Shape
				}
			}
			if t.Shape == nil {
				missing = append(missing, t.Name)
				t.Shape = []uint64{uint64(t.Elements)}
			}
		}
	}
	switch {
	case opts.Flat:
		return nil
	case len(unnamed) > 0:
		return fmt.Errorf("checkpoint: %s: %w in %s, for which no pattern is known", w.d.Path, ErrNames, fewOf(unnamed))
	case len(missing) > 0:
		return fmt.Errorf("checkpoint: %s: %w of %s", w.d.Path, ErrShapes, fewOf(missing))
	}
	return nil
}

// compareNames lists the tensors that the checkpoint lacks and that the model has from which the shapes come. It
// does nothing if the checkpoint does not tell the names of all its tensors, or if it is known to be whole.
func (w *decompressor) compareNames(from *model.Checkpoint) {
	if w.d.HasAllWeights() || !named(w.d) {
		return
	}
	listed := map[string]bool{}
	for _, m := range w.report.Missing {
		listed[m.Name] = true
	}
	for _, t := range from.Tensors {
		if w.coded[t.Name] == nil && w.raw[t.Name] == nil && !listed[t.Name] {
			w.report.Missing = append(w.report.Missing, model.Missing{Name: t.Name, Evidence: t.File() + " has it"})
		}
	}
	w.d.SortMissing(w.report.Missing)
}

// fewOf names the first few of a list.
func fewOf(names []string) string {
	listed := names[:min(len(names), 5)]
	more := ""
	if n := len(names) - len(listed); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(listed, ", ") + more
}

// weights writes all tensors to model.safetensors.
func (w *decompressor) weights() error {
	metadata := map[string]string{"format": "pt"} // without it some loaders refuse a file
	for _, f := range w.d.Files {
		if plain := model.PlainMetadata(f.Metadata); plain != nil && plain["format"] != model.RANSFormat {
			metadata = plain
		}
	}
	var entries []model.Entry
	for name, t := range w.coded {
		entries = append(entries, model.Entry{Name: name, DType: model.BF16, Shape: t.Shape})
	}
	for _, t := range w.d.Rest {
		entries = append(entries, model.Entry{Name: t.Name, DType: t.DType, Shape: t.Shape})
	}
	model.SortEntries(entries)
	header, err := model.HeaderText(entries, metadata)
	if err != nil {
		return err
	}
	list := split(nil, model.FileStart(header))
	total := int64(len(header))
	for i := range entries {
		size, err := entries[i].Size()
		if err == nil {
			list, err = w.tensor(list, entries[i].Name, size)
		}
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", model.RestFileName, err)
		}
		w.count(entries[i].Name)
		total += int64(size)
	}
	w.p.Stage("decompressing", total, "")
	mode := fs.FileMode(0o666)
	for _, f := range w.d.Files {
		info, err := os.Stat(f.Path())
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		mode &= info.Mode()
	}
	size, err := writeFile(w.out.Path(), model.RestFileName, mode|0o600, func(out io.Writer) error {
		return w.send(w.ctx, list, out)
	})
	w.report.Files++
	w.report.Bytes += uint64(size)
	return err
}

// others copies the files that are not part of the format, except links that lead out of the folder.
func (w *decompressor) others() error {
	files, odd, err := model.ListFolder(w.d.Dir)
	if err != nil {
		return err
	}
	w.report.LeftOut = append(w.report.LeftOut, odd...)
	for _, f := range files {
		if !strings.Contains(f.Path, "/") && strings.HasSuffix(f.Path, model.Extension) || model.IsWeightMap(f.Path) {
			continue
		}
		if err := inside(w.d.Dir, f.Path); err != nil {
			w.report.LeftOut = append(w.report.LeftOut, model.OddFile{Path: f.Path, Reason: err.Error()})
			continue
		}
		switch f.Path {
		case model.ConfigName:
			err = w.config(f.Mode)
		default:
			err = w.other(f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// other copies a file.
func (w *decompressor) other(f model.ListedFile) error {
	w.report.Files++
	w.report.Bytes += uint64(f.Size)
	sum, err := copyFile(w.ctx, w.out.Path(), f.Path, w.d.Dir, f.Path, silent{})
	if want, ok := w.d.Beside[f.Path]; err == nil && ok && sum != want {
		return fmt.Errorf("checkpoint: %s was changed since it was written: %v, must be %v", filepath.Join(w.d.Dir, f.Path), sum, want)
	}
	return err
}

// config writes config.json without what says how the checkpoint is coded. A config.json that holds nothing else is left
// out: the model had none.
func (w *decompressor) config(mode fs.FileMode) error {
	text, _, err := jsonedit.Remove(w.d.Config.Raw, model.DF11Key)
	if err == nil {
		text, _, err = jsonedit.Remove(text, model.RANSKey)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", filepath.Join(w.d.Dir, model.ConfigName), err)
	}
	left, err := jsonedit.Members(text)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", filepath.Join(w.d.Dir, model.ConfigName), err)
	}
	if len(left) == 0 {
		return nil
	}
	w.report.Files++
	w.report.Bytes += uint64(len(text))
	return writeBytes(w.out.Path(), model.ConfigName, mode, text)
}
