package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// VerifyOptions are the options of [Verify]. The zero value is useful.
type VerifyOptions struct {
	// Patterns names the tensors of each unit where no config.json does.
	Patterns model.Patterns
	// Open says how the model is opened.
	Open model.OpenOptions
	// Runtime holds the options the checkpoint is opened with: decoder and workers.
	Runtime []runtime.Option
	// Progress follows the work; nil for none.
	Progress Progress
}

// The kinds of differences that [Verify] finds.
const (
	DiffMissing = "missing" // a tensor or file of the model is not in the checkpoint
	DiffExtra   = "extra"   // the checkpoint holds a tensor or file that the model has not
	DiffDType   = "dtype"   // a tensor has another dtype
	DiffShape   = "shape"   // a tensor has another shape or number of elements
	DiffValue   = "value"   // an element differs
	DiffStream  = "stream"  // a unit does not decode, or would not on a GPU
	DiffFile    = "file"    // a file has another content than the sidecar says
	DiffSum     = "sum"     // a tensor, stored or decoded, has another sum than the checkpoint says
)

// A Difference is one thing that [Verify] found.
type Difference struct {
	Kind string `json:"kind"`
	// Name is that of the tensor, unit or file.
	Name string `json:"name"`
	// Detail says what differs, in words.
	Detail string `json:"detail"`
	// Elements is the number of elements that differ, and First the index of the first of them. Want and Got are
	// the bits of that element in the model and in the checkpoint. All four are set only for DiffValue.
	Elements uint64 `json:"elements,omitempty"`
	First    uint64 `json:"first,omitempty"`
	Want     string `json:"want,omitempty"`
	Got      string `json:"got,omitempty"`
}

// VerifyReport says what [Verify] or [Check] compared and found. Its JSON form is stable.
type VerifyReport struct {
	// Model is "" for Check.
	Model   string `json:"model"`
	DF11    string `json:"df11"`
	Decoder string `json:"decoder"`
	// Tensors and Weights count what was compared, Decoded the tensors that were coded.
	Tensors int    `json:"tensors"`
	Decoded int    `json:"decoded_tensors"`
	Weights uint64 `json:"weights"`
	// Files is the number of files, other than safetensors files, that were compared with their sums.
	Files int `json:"files"`
	// Sums is the number of sums that were compared: of stored tensors, and in [Check] of decoded ones. It is 0
	// for a checkpoint without sums.
	Sums int `json:"sums"`
	// Differences is empty when the two are the same.
	Differences []Difference `json:"differences"`
}

// ErrDifferent is wrapped by the errors of [VerifyReport.Err] after [Verify], ErrDamaged after [Check].
var (
	ErrDifferent = errors.New("different")
	ErrDamaged   = errors.New("damaged")
)

// Err returns an error that names the first difference, nil when there is none.
func (r *VerifyReport) Err() error {
	if len(r.Differences) == 0 {
		return nil
	}
	d := r.Differences[0]
	more := ""
	if n := len(r.Differences) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more differences)", n)
	}
	if r.Model == "" {
		return fmt.Errorf("checkpoint: %s is %w: %s: %s%s", r.DF11, ErrDamaged, d.Name, d.Detail, more)
	}
	return fmt.Errorf("checkpoint: %s and %s are %w: %s: %s%s", r.Model, r.DF11, ErrDifferent, d.Name, d.Detail, more)
}

// Verify decodes the container at df11 and compares every tensor with the model at path, bit for bit. It
// also audits the indices of every stream, on which decoders on GPUs rely and decoders on CPUs do not. With a
// sidecar it compares the files of the model, and the copies of them, with their sums.
//
// Differences are in the report. The error says what could not be compared at all.
func Verify(ctx context.Context, path, df11 string, opts VerifyOptions) (*VerifyReport, error) {
	c, err := model.OpenWith(path, opts.Open)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	d, m, err := openContainer(df11, opts.Patterns, opts.Runtime)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	v := verifier{ctx: ctx, c: c, d: d, m: m, p: orSilent(opts.Progress), seen: map[string]bool{}}
	defer v.p.Done()
	v.report = VerifyReport{Model: path, DF11: df11, Decoder: m.Decoder().Name, Differences: []Difference{}}
	if err := model.Guard(v.run); err != nil {
		return nil, err
	}
	return &v.report, nil
}

type verifier struct {
	ctx     context.Context
	c       *model.Checkpoint
	d       *model.Container
	m       *runtime.Model
	p       Progress
	seen    map[string]bool // tensors of the checkpoint; in Check, the names of what is missing
	words   []uint16        // of a decoded unit
	encoder encode.Encoder
	report  VerifyReport
}

func (v *verifier) differ(kind, name, format string, args ...any) {
	v.report.Differences = append(v.report.Differences, Difference{Kind: kind, Name: name, Detail: fmt.Sprintf(format, args...)})
}

func (v *verifier) run() error {
	var total int64
	for _, u := range v.d.Units {
		total += 2 * int64(u.Elements())
	}
	for _, t := range v.d.Rest {
		total += int64(t.Size())
	}
	v.p.Stage("comparing tensors", total, "")
	for _, u := range v.d.Units {
		if err := v.unit(u); err != nil {
			return err
		}
	}
	for _, t := range v.d.Rest {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if original := v.original(t.Name, t.DType, t.Shape); original != nil {
			v.compare(original, t.Bytes())
		}
		v.report.Tensors++
		v.report.Weights += t.Elements()
		v.p.Advance(int64(t.Size()))
	}
	for _, t := range v.c.Tensors {
		if !v.seen[t.Name] {
			v.differ(DiffMissing, t.Name, "not in the checkpoint")
		}
	}
	if err := v.stored(); err != nil {
		return err
	}
	return v.files()
}

// original returns the tensor of the model for a tensor of the checkpoint, or nil if there is none to compare
// with. shape is nil if it is unknown.
func (v *verifier) original(name string, dtype model.DType, shape []uint64) *model.Tensor {
	v.seen[name] = true
	t := v.c.Tensor(name)
	switch {
	case t == nil:
		v.differ(DiffExtra, name, "not in the model")
	case t.DType != dtype:
		v.differ(DiffDType, name, "%s in the model, %s in the checkpoint", t.DType, dtype)
	case shape != nil && !slices.Equal(t.Shape, shape):
		v.differ(DiffShape, name, "shape %v in the model, %v in the checkpoint", t.Shape, shape)
	default:
		return t
	}
	return nil
}

// files compares the files of the model and their copies with the sidecar.
func (v *verifier) files() error {
	if v.d.Sidecar == nil {
		return nil
	}
	present := map[string]bool{}
	var total int64
	for _, f := range v.c.Listed {
		present[f.Path] = true
		total += f.Size
	}
	v.p.Stage("checking files", total, "")
	for i := range v.d.Sidecar.Files {
		f := &v.d.Sidecar.Files[i]
		switch {
		case present[f.Path]:
			if err := v.file(f, v.c.Dir, f.Path); err != nil {
				return err
			}
		case !v.c.Lone:
			v.differ(DiffExtra, f.Path, "the file is not in the model's folder")
		}
		delete(present, f.Path)
		if f.Kind == model.Copied {
			if err := v.file(f, v.d.Dir, f.StoredPath()); err != nil {
				return err
			}
		}
	}
	for _, f := range v.c.Listed {
		if present[f.Path] {
			v.differ(DiffMissing, f.Path, "the file is not in the checkpoint")
		}
	}
	return nil
}

// file compares the file at path in dir with the sum of an original file.
func (v *verifier) file(f *model.SidecarFile, dir, path string) error {
	path = filepath.Join(dir, filepath.FromSlash(path))
	sum, err := sumFile(v.ctx, path, v.p)
	if errors.Is(err, fs.ErrNotExist) {
		v.differ(DiffMissing, f.Path, "%s is not there", path)
		return nil
	}
	if err != nil {
		return err
	}
	v.report.Files++
	if sum != f.FileSum {
		v.differ(DiffFile, f.Path, "%s has %v, must have %v", path, sum, f.FileSum)
	}
	return nil
}

// decode decodes a unit. For a broken stream it reports a difference, and ok is false.
func (v *verifier) decode(u *model.Unit) (decoded []byte, ok bool, err error) {
	n := u.Elements()
	if cap(v.words) < n {
		v.words = make([]uint16, n)
	}
	words := v.words[:n]
	err = v.m.DecodeUnit(v.ctx, u.Name, words)
	if cancelled := v.ctx.Err(); cancelled != nil {
		return nil, false, cancelled
	}
	if err != nil {
		v.differ(DiffStream, u.Name, "%v", err)
		return nil, false, nil
	}
	return fileBytes(words), true, nil
}

// unit decodes a unit, compares its tensors and audits its stream.
func (v *verifier) unit(u *model.Unit) error {
	decoded, ok, err := v.decode(u)
	if err != nil {
		return err
	}
	for _, t := range u.Tensors {
		v.report.Tensors++
		v.report.Decoded++
		v.report.Weights += uint64(t.Elements)
		original := v.original(t.Name, model.BF16, t.Shape)
		switch {
		case original == nil || !ok:
		case original.Elements() != uint64(t.Elements):
			v.differ(DiffShape, t.Name, "%d elements in the model, %d in the checkpoint", original.Elements(), t.Elements)
		default:
			v.compare(original, decoded[2*t.Offset:2*(t.Offset+t.Elements)])
		}
	}
	if ok {
		v.audit(u, decoded)
	}
	v.p.Advance(2 * int64(u.Elements()))
	return v.ctx.Err()
}

// compare compares the bytes of a tensor with got, which has the same length. It reports the first element that
// differs.
func (v *verifier) compare(t *model.Tensor, got []byte) {
	want := t.Bytes()
	if bytes.Equal(want, got) {
		return
	}
	width := max(int(t.DType.Bits()/8), 1) // elements of less than a byte are compared by bytes
	d := Difference{Kind: DiffValue, Name: t.Name}
	for i := 0; i < len(got); i += width {
		a, b := want[i:min(i+width, len(want))], got[i:min(i+width, len(got))]
		if bytes.Equal(a, b) {
			continue
		}
		if d.Elements++; d.Elements == 1 {
			d.First, d.Want, d.Got = uint64(i/width), hexWord(a), hexWord(b)
		}
	}
	d.Detail = fmt.Sprintf("elements that differ: %d, the first at index %d: %s in the model, %s in the checkpoint", d.Elements, d.First, d.Want, d.Got)
	v.report.Differences = append(v.report.Differences, d)
}

// hexWord writes a little-endian number in hexadecimal digits.
func hexWord(b []byte) string {
	text := "0x"
	for i := len(b) - 1; i >= 0; i-- {
		text += fmt.Sprintf("%02x", b[i])
	}
	return text
}

// audit checks the gap of every window and the record of every tile, on which GPU kernels rely. It codes the
// weights again with the same book and compares the result. Only where the two differ, the slow audit decides
// whether that matters. With rANS it compares the weights of each block with the block's checksum.
func (v *verifier) audit(u *model.Unit, decoded []byte) {
	if u.Codec == model.RANS {
		v.auditBlocks(u, decoded)
		return
	}
	book, err := codebook.ParseLuts(u.Stream.Luts)
	if err != nil {
		v.differ(DiffStream, u.Name, "%v", err)
		return
	}
	v.encoder.Index = u.Stream.Index()
	again, err := v.encoder.Encode(book, [][]byte{decoded})
	if err == nil && bytes.Equal(again.Encoded, u.Stream.Encoded) && bytes.Equal(again.Gaps, u.Stream.Gaps) &&
		bytes.Equal(again.OutputPositions, u.Stream.OutputPositions) && bytes.Equal(again.Tiles, u.Stream.Tiles) {
		return
	}
	if err := codebook.Audit(&u.Stream); err != nil {
		v.differ(DiffStream, u.Name, "%v", err)
	}
}

// auditBlocks compares the weights of a unit that is coded with rANS with the checksums of the blocks.
func (v *verifier) auditBlocks(u *model.Unit, decoded []byte) {
	if err := checkBlocks(u, decoded); err != nil {
		v.differ(DiffStream, u.Name, "%v", err)
	}
}

// checkBlocks compares the weights of a unit that is coded with rANS with the checksums of the blocks.
func checkBlocks(u *model.Unit, decoded []byte) error {
	for _, t := range u.Tensors {
		bytes := decoded[2*t.Offset : 2*(t.Offset+t.Elements)]
		for block := range t.Coded.Len() {
			part := bytes[:min(len(bytes), 2*t.Coded.BlockWeights)]
			if have, want := xxh3.Hash(part), t.Coded.Sum(block); have != want {
				return fmt.Errorf("tensor %q: block %d: the weights have the checksum %#x, must have %#x", t.Name, block, have, want)
			}
			bytes = bytes[len(part):]
		}
	}
	return nil
}
