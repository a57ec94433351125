package checkpoint

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// write fills the output folder: the files of the units, the other tensors, and what restores the original files.
func (w *compressor) write(opts CompressOptions) error {
	var names []string
	for _, u := range w.partition.Units {
		names = append(names, u.Name)
	}
	w.unitFiles = model.UnitFileNames(names)
	// The files of the published encoder have only the metadata of the model.
	if w.report.Scheme != "published" {
		files := len(names) + 1
		if opts.SingleFile {
			files = 1
		}
		w.container.files = &model.Sums{Model: w.modelSum, Files: files}
	}
	if err := w.writeUnits(); err != nil {
		return err
	}
	s, err := w.sidecar(opts.SingleFile)
	if err != nil {
		return err
	}
	if err := w.rest(opts.SingleFile); err != nil {
		return err
	}
	s.Sums = w.container.all(w.tensors)
	if !opts.NoCheck {
		if err := w.readBack(s); err != nil {
			return err
		}
	}
	text, err := s.Marshal()
	if err != nil {
		return err
	}
	if err := writeBytes(w.out.Path(), model.SidecarName, w.mode(true), text); err != nil {
		return err
	}
	return w.measure()
}

// mode returns the permissions of a file that holds weights of the model, or, with texts, its texts too. Only
// those who may read all of these in the model may read them in the output.
func (w *compressor) mode(texts bool) fs.FileMode {
	mode := fs.FileMode(0o666)
	for _, f := range w.c.Listed {
		if f.Weights || texts && model.MayInline(f.Path) {
			mode &= f.Mode
		}
	}
	return mode | 0o600
}

// unitsAtOnce is the most units that are coded at the same time. It bounds memory: a coded unit takes less than
// its weights.
const unitsAtOnce = 3

// writeUnits writes the units, several at a time. Writing a file cannot be divided among processors, so other
// units are coded meanwhile.
func (w *compressor) writeUnits() error {
	w.p.Stage("compressing", int64(2*w.report.CodedWeights), "")
	w.sizes = make([]UnitSize, len(w.partition.Units))
	processors := goruntime.GOMAXPROCS(0)
	group, ctx := errgroup.WithContext(w.ctx)
	var next atomic.Int32
	for range min(processors, unitsAtOnce) {
		side(group, func() error {
			encode := w.coder.worker()
			for {
				i := int(next.Add(1)) - 1
				left := len(w.partition.Units) - i
				if left <= 0 {
					return nil
				}
				workers := max(1, processors/min(left, unitsAtOnce))
				err := w.unit(ctx, i, func() ([]model.Entry, error) { return encode(w.partition.Units[i], i, workers) })
				if err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// unit codes unit i into its file.
func (w *compressor) unit(ctx context.Context, i int, encode func() ([]model.Entry, error)) error {
	u := w.partition.Units[i]
	switch done, err := w.again(i); {
	case err != nil:
		return err
	case done:
		w.resumed.Add(1)
		w.p.Advance(2 * int64(u.Elements()))
		return nil
	}
	entries, err := encode()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("checkpoint: unit %q: %w", u.Name, err)
	}
	for j := range entries {
		w.coder.measure(&w.sizes[i], entries[j].Name, entries[j].Data)
	}
	stored := storedSums(entries)
	w.container.note(stored)
	sums := maps.Clone(stored)
	for _, t := range u.Tensors {
		sums[t.Name] = w.tensors[t.Name]
	}
	metadata := w.fileMetadata(nil, sums, nil)
	_, err = writeFile(w.out.Path(), w.unitFiles[i], w.mode(false), func(f io.Writer) error {
		return model.Write(f, entries, metadata)
	})
	if err != nil {
		return err
	}
	w.p.Advance(2 * int64(u.Elements()))
	return w.out.Finish(w.unitFiles[i], w.unitKey(i), model.ModelSum(stored).String())
}

// fileMetadata returns the metadata of a file: plain, the sums of its tensors and of other files, and what the codec
// adds.
func (w *compressor) fileMetadata(plain map[string]string, sums map[string]model.TensorSum, beside map[string]model.FileSum) map[string]string {
	all := w.container.metadata(plain, sums, beside)
	if w.container.files != nil {
		w.coder.metadata(all)
	}
	return all
}

// rest writes the tensors that are not coded. For a single file it moves the units in with them.
func (w *compressor) rest(single bool) error {
	var entries []model.Entry
	sums := map[string]model.TensorSum{}
	for _, raw := range w.partition.Raw {
		sums[raw.Tensor.Name] = w.tensors[raw.Tensor.Name]
		entries = append(entries, model.Entry{Name: raw.Tensor.Name, DType: raw.Tensor.DType, Shape: raw.Tensor.Shape, Write: func(f io.Writer) error {
			return writePortions(w.ctx, f, raw.Tensor.Bytes(), silent{})
		}})
	}
	if !single {
		return w.restFile(entries, sums)
	}
	if err := w.join(entries); err != nil {
		return err
	}
	for _, file := range w.unitFiles {
		if err := os.Remove(filepath.Join(w.out.Path(), file)); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

// join writes the entries and the tensors of all unit files to one file.
func (w *compressor) join(entries []model.Entry) error {
	for _, file := range w.unitFiles {
		f, err := model.OpenFile(filepath.Join(w.out.Path(), file))
		if err != nil {
			return err
		}
		defer f.Close()
		for _, t := range f.Tensors {
			entries = append(entries, model.EntryOf(t))
		}
	}
	return w.restFile(entries, w.container.all(w.tensors))
}

// restFile writes model.safetensors. Its tensors come from several files, so they are sorted again to keep each
// aligned.
func (w *compressor) restFile(entries []model.Entry, sums map[string]model.TensorSum) error {
	model.SortEntries(entries)
	metadata := w.fileMetadata(w.metadata(), sums, w.container.beside)
	_, err := writeFile(w.out.Path(), model.RestFileName, w.mode(false), func(f io.Writer) error {
		return model.Write(f, entries, metadata)
	})
	return err
}

// metadata returns the metadata of the first file. It is usually {"format": "pt"}, which some loaders want.
func (w *compressor) metadata() map[string]string {
	if len(w.c.Files) == 0 {
		return nil
	}
	return w.c.Files[0].Metadata
}

// measure compares the sizes of the files before and after.
func (w *compressor) measure() error {
	for _, f := range w.c.Files {
		w.report.Original += uint64(f.Size())
	}
	entries, err := os.ReadDir(w.out.Path())
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		if filepath.Ext(e.Name()) == model.Extension || e.Name() == model.SidecarName {
			w.report.Compressed += uint64(info.Size())
		}
	}
	s := &w.report.Stored
	for i := range w.sizes {
		s.add(&w.sizes[i])
	}
	s.Books = w.report.Books
	coded := s.UnitSize.Total()
	s.BitsPerWeight = 8 * float64(coded) / float64(w.report.CodedWeights)
	s.Percent = 100 * float64(coded+s.Raw) / float64(2*w.report.CodedWeights+s.Raw)
	return nil
}

// key names everything but the model that decides the content of the files of a container. An output that was
// begun with another key cannot be resumed.
func (o *CompressOptions) key(c coder) string {
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return fmt.Sprintf("compress %s %s single=%v", version, c.key(), o.SingleFile)
}

// unitKey names everything that decides the file of unit i: the whole model, which the file's metadata name, the
// unit's tensors, how they are coded and the file's permissions.
func (w *compressor) unitKey(i int) string {
	u := w.partition.Units[i]
	var h xxh3.Hasher
	fmt.Fprintf(&h, "%v %q %d %v %v\n", w.modelSum, u.Name, len(w.partition.Units), w.coder.unitKey(i), w.mode(false))
	for _, t := range u.Tensors {
		fmt.Fprintf(&h, "%q %v\n", t.Name, w.tensors[t.Name])
	}
	return model.TensorSum(h.Sum128().Bytes()).String()
}

// again takes over the file of unit i that an earlier call finished. It reports false if there is none, or if the
// file was damaged since. A damaged file is removed.
func (w *compressor) again(i int) (bool, error) {
	sum, ok := w.out.Finished(w.unitFiles[i], w.unitKey(i))
	if !ok {
		return false, nil
	}
	path := filepath.Join(w.out.Path(), w.unitFiles[i])
	if err := w.takeOver(i, path, sum); err != nil {
		return false, os.Remove(path)
	}
	return true, nil
}

// takeOver notes the sizes and sums of the tensors in a finished file of unit i. sum is the sum over all of them.
func (w *compressor) takeOver(i int, path, sum string) error {
	f, err := model.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return model.Guard(func() error {
		size := UnitSize{}
		stored := map[string]model.TensorSum{}
		for _, t := range f.Tensors {
			stored[t.Name] = model.SumTensor(t.Bytes())
			w.coder.measure(&size, t.Name, t.Bytes())
		}
		if model.ModelSum(stored).String() != sum {
			return fmt.Errorf("checkpoint: %s was damaged", path)
		}
		w.sizes[i] = size
		w.container.note(stored)
		return nil
	})
}
