package checkpoint

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/model"
)

// ConvertOptions are the options of [Convert]. The zero value is useful.
type ConvertOptions struct {
	// Open says how the model is opened.
	Open model.OpenOptions
	// SkipUnknownFiles leaves out files that cannot be carried along. Without it they are an error.
	SkipUnknownFiles bool
	// Force replaces an existing output folder.
	Force bool
	// Progress follows the work; nil for none.
	Progress Progress
}

// ConvertReport says what [Convert] did.
type ConvertReport struct {
	Source string      `json:"source"`
	Target string      `json:"target"`
	DType  model.DType `json:"dtype"`
	// Cast lists the dtypes that were cast, Kept those that passed through, by falling size.
	Cast []DTypeCount `json:"cast"`
	Kept []DTypeCount `json:"kept"`
	// Rounding says how many values the cast changed.
	Rounding Rounding `json:"rounding"`
	// BytesBefore and BytesAfter are the sizes of the safetensors files.
	BytesBefore uint64 `json:"bytes_before"`
	BytesAfter  uint64 `json:"bytes_after"`
	// ConfigDTypes is the number of dtype entries that were updated in config.json.
	ConfigDTypes int `json:"config_dtypes"`
	// Copied is the number of files that were copied as they are.
	Copied int `json:"files_copied"`
	// Skipped lists the files that were left out.
	Skipped []model.OddFile `json:"skipped_files"`
}

// Convert writes the model at src, a folder or a safetensors file, to the new folder dst with every F32,
// F16 and F64 tensor cast to bfloat16: to the nearest value, ties to even; NaNs stay NaNs. All other
// tensors pass through. The files keep their names and the division into shards; config.json and the
// index of the shards are brought up to date, all other files are copied.
//
// This is the one operation here that loses information. The report counts what it changed.
func Convert(ctx context.Context, src, dst string, to model.DType, opts ConvertOptions) (*ConvertReport, error) {
	if to != model.BF16 {
		return nil, fmt.Errorf("checkpoint: cannot convert to %s, only to %s", to, model.BF16)
	}
	c, err := openModel(src, opts.Open)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	skipped, err := skipOdd(c, opts.SkipUnknownFiles)
	if err != nil {
		return nil, err
	}
	var files []string
	modes := map[string]fs.FileMode{}
	for _, f := range c.Listed {
		files = append(files, f.Path)
		modes[f.Path] = f.Mode | 0o600
	}
	out, err := newModel(dst, opts.Force, files, inputOf(c, src))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	v := converter{ctx: ctx, c: c, out: out, p: orSilent(opts.Progress), modes: modes, sizes: map[string]uint64{}}
	defer v.p.Done()
	v.report = ConvertReport{Source: src, Target: dst, DType: to, Skipped: skipped}
	if err := model.Guard(v.run); err != nil {
		return nil, err
	}
	if err := c.Changed(); err != nil {
		return nil, fmt.Errorf("checkpoint: %s: it must not change while it is converted: %w", src, err)
	}
	if err := commit(ctx, out); err != nil {
		return nil, err
	}
	return &v.report, nil
}

type converter struct {
	ctx    context.Context
	c      *model.Checkpoint
	out    *atomicfile.Dir
	p      Progress
	modes  map[string]fs.FileMode // of the model's files
	sizes  map[string]uint64      // bytes of each tensor in the output
	cast   dtypeCounter
	kept   dtypeCounter
	report ConvertReport
}

func (v *converter) run() error {
	var total int64
	for _, f := range v.c.Listed {
		total += f.Size
	}
	v.p.Stage("converting", total, "")
	for _, f := range v.c.Files {
		if err := v.weights(f); err != nil {
			return err
		}
	}
	v.report.Cast, v.report.Kept = v.cast.list(), v.kept.list()
	for _, f := range v.c.Listed {
		if f.Weights {
			continue
		}
		if err := v.other(f.Path); err != nil {
			return err
		}
	}
	return nil
}

// weights writes one safetensors file.
func (v *converter) weights(f *model.File) error {
	name, err := filepath.Rel(v.c.Dir, f.Path())
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	var entries []model.Entry
	for _, t := range f.Tensors {
		e := model.Entry{Name: t.Name, DType: t.DType, Shape: t.Shape, Write: func(w io.Writer) error {
			return writePortions(v.ctx, w, t.Bytes(), v.p)
		}}
		v.sizes[t.Name] = t.Size()
		if c, ok := casts[t.DType]; ok {
			e.DType = model.BF16
			e.Write = func(w io.Writer) error { return v.castTensor(w, t, c) }
			v.sizes[t.Name] = 2 * t.Elements()
			v.cast.add(t)
		} else {
			v.kept.add(t)
		}
		entries = append(entries, e)
	}
	// Tensors that become narrower move those that follow them. With the widest first, every tensor still begins
	// at a multiple of its element size. Readers that map the file rely on that.
	slices.SortStableFunc(entries, func(a, b model.Entry) int { return int(b.DType.Bits()) - int(a.DType.Bits()) })
	v.report.BytesBefore += uint64(f.Size())
	size, err := writeFile(v.out.Path(), filepath.ToSlash(name), v.modes[filepath.ToSlash(name)], func(w io.Writer) error {
		return model.Write(w, entries, model.PlainMetadata(f.Metadata))
	})
	v.report.BytesAfter += uint64(size)
	return err
}

// castTensor writes a tensor's values as bfloat16.
func (v *converter) castTensor(w io.Writer, t *model.Tensor, c cast) error {
	src, words := t.Bytes(), make([]byte, 2*portion/c.width)
	for len(src) > 0 {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		n := min(len(src), portion)
		out := words[:2*n/c.width]
		v.report.Rounding.add(c.convert(out, src[:n]))
		if _, err := w.Write(out); err != nil {
			return err
		}
		v.p.Advance(int64(n))
		src = src[n:]
	}
	return nil
}

// other writes a file that holds no weights. It copies the file, unless the file tells dtypes or sizes.
func (v *converter) other(name string) error {
	edit := v.editor(name)
	if edit == nil {
		v.report.Copied++
		_, err := copyFile(v.ctx, v.out.Path(), name, v.c.Dir, name, v.p)
		return err
	}
	text, err := os.ReadFile(filepath.Join(v.c.Dir, name))
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	v.p.Advance(int64(len(text)))
	if text, err = edit(text); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", filepath.Join(v.c.Dir, name), err)
	}
	return writeBytes(v.out.Path(), name, v.modes[name], text)
}

// editor returns the function that updates a JSON file of the model after a cast, or nil for a file to copy.
func (v *converter) editor(name string) func([]byte) ([]byte, error) {
	switch {
	case len(v.report.Cast) == 0:
		return nil
	case name == model.ConfigName:
		return v.editConfig
	case model.IsWeightMap(name):
		return v.editIndex
	}
	return nil
}

// editConfig sets every torch_dtype and dtype that names a dtype which was cast, in nested
// configurations too.
func (v *converter) editConfig(text []byte) ([]byte, error) {
	floats := []string{`"float32"`, `"float16"`, `"float64"`}
	text, n, err := jsonedit.Replace(text, func(m jsonedit.Member, value []byte) []byte {
		if (m.Name == "torch_dtype" || m.Name == "dtype") && slices.Contains(floats, string(value)) {
			return []byte(`"bfloat16"`)
		}
		return nil
	})
	v.report.ConfigDTypes = n
	return text, err
}

// editIndex sets metadata.total_size in a weight map to the new size of the tensors that it lists. A weight map of
// other files, such as those of a variant, stays as it is.
func (v *converter) editIndex(text []byte) ([]byte, error) {
	index, err := model.ParseWeightMap(text)
	if err != nil {
		return nil, err
	}
	var total uint64
	for tensor := range index.File {
		size, ok := v.sizes[tensor]
		if !ok {
			return text, nil
		}
		total += size
	}
	text, _, err = jsonedit.Replace(text, func(m jsonedit.Member, _ []byte) []byte {
		if m.Name == "total_size" && m.Depth == 2 {
			return strconv.AppendUint(nil, total, 10)
		}
		return nil
	})
	return text, err
}
