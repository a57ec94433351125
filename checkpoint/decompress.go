package checkpoint

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// DecompressOptions are the options of [Decompress]. The zero value is useful.
type DecompressOptions struct {
	// Patterns names the tensors of each unit where no config.json does.
	Patterns model.Patterns
	// Shapes is the path of a model to take the shapes of tensors from, where the checkpoint does not
	// tell them.
	Shapes string
	// Flat writes tensors of unknown shape with one dimension.
	Flat bool
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
	// Identical says that every file is the original byte for byte, held against its sha256. Without
	// the sidecar of [Compress] nothing knows the original files: the tensors are the original ones, but
	// lie in one file in the order of the reference writer.
	Identical bool `json:"identical"`
	// Files is the number of files written, Tensors that of the tensors in them, Decoded that of the
	// tensors which were coded.
	Files   int    `json:"files"`
	Tensors int    `json:"tensors"`
	Decoded int    `json:"decoded_tensors"`
	Bytes   uint64 `json:"bytes"`
}

// Decompress writes the model that the DF11 checkpoint at src holds to the new folder dst. With the sidecar
// of [Compress] it restores the original files byte for byte, and checks the sha256 of each before the
// output appears. Any other checkpoint gives model.safetensors, a config.json without dfloat11_config and
// copies of all other files.
func Decompress(ctx context.Context, src, dst string, opts DecompressOptions) (*DecompressReport, error) {
	d, m, err := openDF11(src, opts.Patterns, opts.Runtime)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs := []string{src}
	if opts.Shapes != "" {
		inputs = append(inputs, opts.Shapes)
	}
	out, err := newOutput(dst, opts.Force, inputs...)
	if err != nil {
		return nil, err
	}
	defer out.Close()

	w := newDecompressor(ctx, d, m, out, orSilent(opts.Progress))
	defer w.p.Done()
	w.report.Source, w.report.Target, w.report.Decoder = src, dst, m.Decoder().Name
	if d.Sidecar != nil {
		w.report.Identical = true
		err = w.restore()
	} else {
		err = w.rebuild(opts)
	}
	if err != nil {
		return nil, err
	}
	if err := commit(ctx, out); err != nil {
		return nil, err
	}
	return &w.report, nil
}

type decompressor struct {
	ctx    context.Context
	d      *model.DF11
	m      *runtime.Model
	out    *atomicfile.Dir
	p      Progress
	coded  map[string]*model.UnitTensor
	raw    map[string]*model.Tensor
	words  []uint16 // the last decoded tensor
	bytes  []byte   // a block of it
	report DecompressReport
}

func newDecompressor(ctx context.Context, d *model.DF11, m *runtime.Model, out *atomicfile.Dir, p Progress) *decompressor {
	w := &decompressor{ctx: ctx, d: d, m: m, out: out, p: p, coded: map[string]*model.UnitTensor{}, raw: map[string]*model.Tensor{}}
	for _, u := range d.Units {
		for i := range u.Tensors {
			w.coded[u.Tensors[i].Name] = &u.Tensors[i]
		}
	}
	for _, t := range d.Rest {
		w.raw[t.Name] = t
	}
	w.bytes = make([]byte, block)
	return w
}

// restore writes the files that the sidecar lists.
func (w *decompressor) restore() error {
	var total int64
	for _, f := range w.d.Sidecar.Files {
		total += f.Size
	}
	w.p.Stage("restoring", total, "")
	for i := range w.d.Sidecar.Files {
		f := &w.d.Sidecar.Files[i]
		sum, err := w.file(f)
		if err != nil {
			return err
		}
		if want := (fileSum{f.Size, f.SHA256}); sum != want {
			return fmt.Errorf("checkpoint: %s: restored %d bytes with sha256 %s, the original has %d with %s", f.Path, sum.size, sum.sum, want.size, want.sum)
		}
		w.report.Files++
		w.report.Bytes += uint64(f.Size)
	}
	return nil
}

func (w *decompressor) file(f *model.SidecarFile) (fileSum, error) {
	switch f.Kind {
	case model.Copied:
		return copyFile(w.ctx, w.out.Path(), f.Path, w.d.Dir, f.StoredPath(), w.p)
	case model.Inline:
		w.p.Advance(f.Size)
		return writeHashed(w.out.Path(), f.Path, 0o666, func(out io.Writer) error {
			_, err := io.WriteString(out, f.Text)
			return err
		})
	}
	return writeHashed(w.out.Path(), f.Path, 0o666, func(out io.Writer) error {
		return model.Restore(out, []byte(f.Header), func(t *model.Tensor, out io.Writer) error {
			if raw := w.raw[t.Name]; raw != nil && (raw.DType != t.DType || !slices.Equal(raw.Shape, t.Shape)) {
				return fmt.Errorf("%s %v in the checkpoint, %s %v in the original", raw.DType, raw.Shape, t.DType, t.Shape)
			}
			return w.tensor(t.Name, out)
		})
	})
}

// tensor writes the bytes of a tensor, decoded or raw.
func (w *decompressor) tensor(name string, out io.Writer) error {
	w.report.Tensors++
	if raw := w.raw[name]; raw != nil {
		return writeBlocks(w.ctx, out, raw.Bytes(), w.p)
	}
	coded := w.coded[name]
	if coded == nil {
		return fmt.Errorf("not in %s", w.d.Path)
	}
	w.report.Decoded++
	if cap(w.words) < coded.Elements {
		w.words = make([]uint16, coded.Elements)
	}
	words := w.words[:coded.Elements]
	if err := w.m.DecodeTensor(w.ctx, name, words); err != nil {
		return err
	}
	for len(words) > 0 {
		n := min(len(words), len(w.bytes)/2)
		putWords(w.bytes, words[:n])
		if err := writeBlocks(w.ctx, out, w.bytes[:2*n], w.p); err != nil {
			return err
		}
		words = words[n:]
	}
	return nil
}

// putWords writes bfloat16 words to dst as they lie in files.
func putWords(dst []byte, words []uint16) {
	dst = dst[:2*len(words)]
	for i, w := range words {
		dst[2*i], dst[2*i+1] = byte(w), byte(w>>8)
	}
}
