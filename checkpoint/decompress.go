package checkpoint

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// DecompressOptions are the options of [Decompress]. The zero value is useful.
type DecompressOptions struct {
	// Patterns names the tensors of each unit where no config.json does.
	Patterns model.Patterns
	// Shapes is the path of a model from which the shapes of tensors are taken if the checkpoint does not tell
	// them.
	Shapes string
	// Open says how the model of Shapes is opened.
	Open model.OpenOptions
	// Flat writes tensors of unknown shape with one dimension.
	Flat bool
	// Incomplete decompresses what is there even if something seems to be missing.
	Incomplete bool
	// Runtime holds the options the checkpoint is opened with: decoder and workers.
	Runtime []runtime.Option
	// Force replaces an existing output folder.
	Force bool
	// Progress follows the work; nil for none.
	Progress Progress
}

// DecompressReport says what [Decompress] did.
type DecompressReport struct {
	Source  string `json:"source"`
	Target  string `json:"target"`
	Decoder string `json:"decoder"`
	// Identical says that every file is the original byte for byte, as its sum shows. Without the sidecar of
	// [Compress] nothing tells what the original files were. The tensors are the original ones, but they lie in
	// one file in the order of the reference writer.
	Identical bool `json:"identical"`
	// Checked says that every tensor was compared with its sum, because the checkpoint has sums.
	Checked bool `json:"checked"`
	// Missing lists what the checkpoint seems to lack. LeftOut lists the files of its folder that were not copied.
	Missing []model.Missing `json:"missing"`
	LeftOut []model.OddFile `json:"left_out_files"`
	// Files is the number of files written, and Tensors the number of tensors in them. Decoded is the number of
	// those tensors that were coded.
	Files   int    `json:"files"`
	Tensors int    `json:"tensors"`
	Decoded int    `json:"decoded_tensors"`
	Bytes   uint64 `json:"bytes"`
}

// Decompress writes the model that the container at src holds to the new folder dst. With the sidecar of
// [Compress] it restores the original files byte for byte, and checks the sum of each before the output appears.
// Any other checkpoint gives model.safetensors, a config.json without dfloat11_config, and copies of all other
// files. Links that lead out of the checkpoint's folder are left out. If [Compress] wrote the checkpoint and the
// sidecar is lost, or if src is a single file of it, every tensor is still compared with its sum. If something
// seems to be missing, the error is a [*model.MissingError].
func Decompress(ctx context.Context, src, dst string, opts DecompressOptions) (*DecompressReport, error) {
	d, m, err := openContainer(src, opts.Patterns, opts.Runtime)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs := []string{src}
	if opts.Shapes != "" {
		inputs = append(inputs, opts.Shapes)
	}
	out, err := restoredOutput(d, dst, opts.Force, inputs)
	if err != nil {
		return nil, err
	}
	defer out.Close()

	w := newDecompressor(ctx, d, m, out, orSilent(opts.Progress))
	defer w.p.Done()
	w.report.Source, w.report.Target, w.report.Decoder = src, dst, m.Decoder().Name
	w.report.Checked = d.Sums != nil
	w.report.Missing, w.report.LeftOut = []model.Missing{}, []model.OddFile{}
	err = model.Guard(func() error {
		if d.Sidecar == nil {
			return w.rebuild(opts)
		}
		w.report.Identical = true
		return w.restore()
	})
	if err != nil {
		return nil, err
	}
	if err := commit(ctx, out); err != nil {
		return nil, err
	}
	return &w.report, nil
}

// restoredOutput starts the output folder of a checkpoint that is decompressed.
func restoredOutput(d *model.Container, dst string, force bool, inputs []string) (*atomicfile.Dir, error) {
	if d.Sidecar == nil {
		return newOutput(dst, force, inputs...)
	}
	var files []string
	for _, f := range d.Sidecar.Files {
		files = append(files, f.Path)
	}
	return newModel(dst, force, files, inputs...)
}

type decompressor struct {
	ctx    context.Context
	d      *model.Container
	m      *runtime.Model
	out    *atomicfile.Dir
	p      Progress
	coded  map[string]*model.UnitTensor
	unitOf map[string]*model.Unit // of coded tensors
	raw    map[string]*model.Tensor

	report DecompressReport
}

func newDecompressor(ctx context.Context, d *model.Container, m *runtime.Model, out *atomicfile.Dir, p Progress) *decompressor {
	w := &decompressor{ctx: ctx, d: d, m: m, out: out, p: p,
		coded: map[string]*model.UnitTensor{}, unitOf: map[string]*model.Unit{}, raw: map[string]*model.Tensor{}}
	for _, u := range d.Units {
		for i := range u.Tensors {
			w.coded[u.Tensors[i].Name], w.unitOf[u.Tensors[i].Name] = &u.Tensors[i], u
		}
	}
	for _, t := range d.Rest {
		w.raw[t.Name] = t
	}
	return w
}

// count counts a tensor in the report.
func (w *decompressor) count(name string) {
	w.report.Tensors++
	if w.coded[name] != nil {
		w.report.Decoded++
	}
}

// filesAtOnce is how many files are restored at a time, because writing one file keeps only one processor busy.
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

// file restores a file and returns the sum of what it wrote.
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
