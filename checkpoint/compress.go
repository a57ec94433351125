package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/atomicfile"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// CompressOptions are the options of [Compress]. The zero value is useful.
type CompressOptions struct {
	// Codec is the way to code the units, "" for DF11.
	Codec model.Codec
	// Scheme chooses the code books of DF11: one of [Schemes], "" for the first.
	Scheme string
	// Index says how the streams of DF11 are indexed. A checkpoint without gaps is not readable by the published
	// loader.
	Index codebook.Index
	// Form says what the symbols of rANS are.
	Form rans.Form
	// Partition says how the model is divided into units. With rANS every tensor of bfloat16 numbers is coded, if that
	// makes it smaller.
	Partition model.PartitionOptions
	// SingleFile writes all tensors to one file instead of one file a unit. Meanwhile the disk needs room for the
	// output twice.
	SingleFile bool
	// Open says how the model is opened.
	Open model.OpenOptions
	// SkipUnknownFiles leaves out files that cannot be carried along, such as one whose name not every system takes.
	// Without it they are an error.
	SkipUnknownFiles bool
	// NoCheck leaves out reading back the output, that is, decoding it and comparing it with the sums of what was
	// read.
	NoCheck bool
	// Verify compares the output with the model once more, bit for bit, and audits the indices on which GPUs rely,
	// before the output appears.
	Verify bool
	// Force replaces an existing output folder, if it is one that Compress wrote.
	Force bool
	// Resume takes over the units that an earlier call with the same options finished before it was killed. A call
	// that is interrupted keeps its finished units for the next one.
	Resume bool
	// Progress follows the work; nil for none.
	Progress Progress
}

// CompressReport says what [Compress] did. Its JSON form is stable.
type CompressReport struct {
	Source string      `json:"source"`
	Target string      `json:"target"`
	Codec  model.Codec `json:"codec"`
	// Scheme is how the code books of DF11 were chosen, or the form of the symbols of rANS.
	Scheme string `json:"scheme"`
	// Index says how the streams of DF11 are indexed.
	Index codebook.Index `json:"index"`
	// Patterns says where the division into units comes from.
	Patterns string `json:"patterns"`
	Units    int    `json:"units"`
	// Books is the number of code books, or of tables. LongestCode is 0 with rANS.
	Books        int    `json:"books"`
	LongestCode  int    `json:"longest_code"`
	CodedWeights uint64 `json:"coded_weights"`
	// Original is the size of the model's safetensors files. Compressed is the size of the output's safetensors
	// files and its sidecar.
	Original   uint64 `json:"original_bytes"`
	Compressed uint64 `json:"compressed_bytes"`
	// Stored is the size of the tensors of the output by kind.
	Stored StoredReport `json:"stored"`
	// Raw lists the tensors that are not coded, and why.
	Raw []RawReport `json:"raw"`
	// Skipped lists the files that were left out.
	Skipped []model.OddFile `json:"skipped_files"`
	// Resumed is the number of units that an earlier call had finished.
	Resumed int `json:"resumed_units"`
	// Checked says that the output was read back and decodes to what was read of the model. Verified says that it
	// was compared with the model once more.
	Checked  bool `json:"checked"`
	Verified bool `json:"verified"`
}

// ErrNothingToCompress is wrapped by the error of [Compress] for a model without a tensor that gains.
var ErrNothingToCompress = errors.New("nothing to compress")

// ErrUnknownFile is wrapped by the error of [Compress] and [Convert] for a file that cannot be carried along.
var ErrUnknownFile = errors.New("cannot take the file")

// Compress writes the model at src, a folder or a safetensors file, to the new folder dst, in DF11 or with rANS. The
// published loader reads DF11, unless its only index is tiles. [Decompress] restores every file of src from the output,
// byte for byte.
//
// The output is the model as it was at one moment: the sum of every tensor is computed once, and what the output
// decodes to must have these sums. A model that changes meanwhile is an error.
//
// Memory is bounded by a few of the largest unit, whatever the size of the model.
func Compress(ctx context.Context, src, dst string, opts CompressOptions) (*CompressReport, error) {
	coder, err := opts.newCoder()
	if err != nil {
		return nil, err
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
	out, err := newContainer(dst, opts.Force, opts.Resume, opts.key(coder), inputOf(c, src))
	if err != nil {
		return nil, err
	}
	defer out.Close()

	w := compressor{ctx: ctx, c: c, out: out, p: orSilent(opts.Progress), coder: coder}
	defer w.p.Done()
	w.report = CompressReport{Source: src, Target: dst, Codec: cmp.Or(opts.Codec, model.DF11), Skipped: skipped}
	if err := model.Guard(func() error { return w.run(opts) }); err != nil {
		return nil, giveUp(ctx, out, opts.Resume, err)
	}
	if err := commit(ctx, out); err != nil {
		return nil, err
	}
	return &w.report, nil
}

type compressor struct {
	ctx       context.Context
	c         *model.Checkpoint
	out       *atomicfile.Dir
	p         Progress
	coder     coder
	partition *model.Partition
	report    CompressReport

	unitFiles []string                   // parallel to partition.Units
	sizes     []UnitSize                 // likewise
	sums      []model.FileSum            // parallel to c.Files
	tensors   map[string]model.TensorSum // of all tensors of the model, by name
	modelSum  model.TensorSum            // of the sums in tensors
	resumed   atomic.Int32               // units taken over from an earlier call
	container containerSums
}

// run does everything except letting the output appear.
func (w *compressor) run(opts CompressOptions) error {
	if err := w.choose(opts); err != nil {
		return err
	}
	if err := w.write(opts); err != nil {
		return err
	}
	w.report.Checked, w.report.Resumed = !opts.NoCheck, int(w.resumed.Load())
	if opts.Verify {
		differences, err := Verify(w.ctx, w.report.Source, w.out.Path(), VerifyOptions{Open: opts.Open, Progress: opts.Progress})
		if err != nil {
			return err
		}
		if err := differences.Err(); err != nil {
			return fmt.Errorf("checkpoint: the output does not verify: %w", err)
		}
		w.report.Verified = true
	}
	if err := w.c.Changed(); err != nil {
		return fmt.Errorf("checkpoint: %s: it must not change while it is compressed: %w", w.report.Source, err)
	}
	return nil
}

// choose divides the model into units and chooses how to code them.
func (w *compressor) choose(opts CompressOptions) error {
	opts.Partition.CodeAll = opts.Codec == model.RANS
	m, err := countModel(w.ctx, w.c, opts.Partition, true, w.p)
	if err != nil {
		return err
	}
	if err := w.coder.choose(m, &w.report); err != nil {
		return err
	}
	if len(m.partition.Units) == 0 {
		return fmt.Errorf("checkpoint: %s: %w%s", w.report.Source, ErrNothingToCompress, mainReason(m.partition.Raw))
	}
	w.partition, w.sums, w.tensors = m.partition, m.sums, m.tensorSums
	w.modelSum = model.ModelSum(w.tensors)
	w.report.Patterns, w.report.Units = m.partition.Source, len(m.partition.Units)
	w.report.Raw = []RawReport{}
	for _, raw := range m.partition.Raw {
		w.report.Raw = append(w.report.Raw, rawReport(raw.Tensor, raw.Reason))
		w.report.Stored.Raw += raw.Tensor.Size()
	}
	return nil
}

// skipOdd returns the files of a model's folder that cannot be carried along. Unless they may be left out, they
// are an error.
func skipOdd(c *model.Checkpoint, skip bool) ([]model.OddFile, error) {
	if len(c.Odd) == 0 || skip {
		return append([]model.OddFile{}, c.Odd...), nil
	}
	more := ""
	if n := len(c.Odd) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return nil, fmt.Errorf("checkpoint: %s: %w %q: %s%s", c.Dir, ErrUnknownFile, c.Odd[0].Path, c.Odd[0].Reason, more)
}

// mainReason says why most bytes of a model are not coded.
func mainReason(raw []model.RawTensor) string {
	bytes := map[string]uint64{}
	most := ""
	for _, r := range raw {
		if bytes[r.Reason] += r.Tensor.Size(); most == "" || bytes[r.Reason] > bytes[most] {
			most = r.Reason
		}
	}
	if most == "" {
		return ": it has no tensors"
	}
	return fmt.Sprintf(": most of its %d tensors stay raw because of: %s", len(raw), most)
}
