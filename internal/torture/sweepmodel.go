package torture

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime"
)

// A sweepKind says how a container was made.
type sweepKind struct {
	codec     model.Codec // "" for DF11
	form      rans.Form
	index     codebook.Index
	published bool // made as by the published encoder: without sums in the files
	single    bool // one file for all units
	sidecar   bool
}

// name returns the name of the kind in tables.
func (k *sweepKind) name() string {
	words := []string{k.index.String(), "a file a unit", "sidecar"}
	if k.published {
		words[0] = "published"
	}
	if k.codec == model.RANS {
		words[0] = "rans " + k.form.String()
	}
	if k.single {
		words[1] = "one file"
	}
	if !k.sidecar {
		words[2] = "no sidecar"
	}
	return strings.Join(words, ", ")
}

// own reports whether the container has sums.
func (k *sweepKind) own() bool { return !k.published }

// A sweepContainer is a small container, with the results that it gives while it is sound.
type sweepContainer struct {
	sweepKind
	files sweepTree
	want  sweepTree // the files that it is decompressed to
	plain sweepTree // the same without the sidecar, nil if there is none
	other sweepTree // the container of a model of the same shapes with other weights
	most  uint64    // the number of bytes that it takes to decompress and check it
}

// A sweepTree is the files of a folder by their slash-separated paths.
type sweepTree map[string]sweepFile

type sweepFile struct {
	data []byte
	mode fs.FileMode
}

// sweepKinds lists the kinds of containers.
func sweepKinds() (kinds []sweepKind) {
	for _, single := range []bool{false, true} {
		for _, sidecar := range []bool{true, false} {
			for _, index := range []codebook.Index{codebook.IndexGaps, codebook.IndexTiles, codebook.IndexBoth} {
				kinds = append(kinds, sweepKind{index: index, single: single, sidecar: sidecar})
			}
			for _, form := range []rans.Form{rans.Exponent, rans.Joint} {
				kinds = append(kinds, sweepKind{codec: model.RANS, form: form, single: single, sidecar: sidecar})
			}
		}
	}
	return append(kinds, sweepKind{published: true, sidecar: true}, sweepKind{published: true})
}

// sweepContainers makes a container of every kind.
func sweepContainers(ctx context.Context, folder string, seed uint64) (all []*sweepContainer, err error) {
	sources := [2]string{filepath.Join(folder, "model"), filepath.Join(folder, "other")}
	for i, source := range sources {
		if err := sweepModel(source, seed, uint64(i)); err != nil {
			return nil, err
		}
	}
	for _, kind := range sweepKinds() {
		c := &sweepContainer{sweepKind: kind}
		if c.files, err = c.compress(ctx, sources[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name(), err)
		}
		if c.other, err = c.compress(ctx, sources[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name(), err)
		}
		if err := c.measure(ctx, folder); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name(), err)
		}
		if err := c.compare(sources[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name(), err)
		}
		all = append(all, c)
	}
	return all, nil
}

// The models have two units of two weights each, so small that compressing gains hardly anything.
const (
	sweepUnits  = 2
	sweepRows   = 80
	sweepCols   = 32
	sweepConfig = `{
  "architectures": ["TinyModel"],
  "hidden_size": 32,
  "max_position_embeddings": 80,
  "num_hidden_layers": 2,
  "vocab_size": 80
}
`
	sweepPatterns = `{"layers\\.\\d+": ["wte", "wpe"]}`
)

// sweepModel writes a model. All such models have the same number of weights of each exponent; the exponents are
// shifted by one from unit to unit. So their coded tensors have the same shapes, but other books.
func sweepModel(folder string, seed, number uint64) error {
	r := rand.New(rand.NewPCG(seed, number))
	index := map[string]string{}
	if err := os.MkdirAll(filepath.Join(folder, "docs"), 0o777); err != nil {
		return err
	}
	for unit := range sweepUnits {
		name := fmt.Sprintf("model-%05d-of-%05d%s", unit+1, sweepUnits, model.Extension)
		prefix := fmt.Sprintf("layers.%d.", unit)
		words := sweepWeights(r, 2*sweepRows*sweepCols, int(number)*sweepUnits+unit)
		shape := []uint64{sweepRows, sweepCols}
		entries := []model.Entry{
			model.BytesEntry(prefix+"wte.weight", model.BF16, shape, words[:len(words)/2]),
			model.BytesEntry(prefix+"wpe.weight", model.BF16, shape, words[len(words)/2:]),
			model.BytesEntry(prefix+"norm.weight", model.BF16, []uint64{sweepCols}, sweepWeights(r, sweepCols, 0)),
		}
		for i := range entries {
			index[entries[i].Name] = name
		}
		if err := model.WriteFile(filepath.Join(folder, name), entries, map[string]string{"format": "pt"}); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(map[string]any{"weight_map": index}, "", " ")
	if err != nil {
		return err
	}
	for name, f := range map[string]sweepFile{
		"model" + model.WeightMapExtension: {text, 0o644},
		model.ConfigName:                   {[]byte(sweepConfig), 0o640},
		"README.md":                        {[]byte("a model\n"), 0o600},
		"docs/config.json":                 {[]byte("{}"), 0o755},
	} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.WriteFile(path, f.data, 0o600); err != nil {
			return err
		}
		if err := os.Chmod(path, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// sweepWeights returns n weights: three quarters of them have one exponent, an eighth the next lower one, a
// sixteenth the next, and so on, in any order.
func sweepWeights(r *rand.Rand, n, shift int) []byte {
	data := make([]byte, 2*n)
	for at, i := range r.Perm(n) {
		exponent := 120 + shift - min(bits.Len(uint(n/(i+1)/2)), 9)
		binary.LittleEndian.PutUint16(data[2*at:], uint16(r.Uint32())&0x807f|uint16(exponent)<<7)
	}
	return data
}

// compress makes the container of a model.
func (k *sweepKind) compress(ctx context.Context, source string) (sweepTree, error) {
	patterns, err := model.ParsePatterns([]byte(sweepPatterns))
	if err != nil {
		return nil, err
	}
	opts := checkpoint.CompressOptions{Scheme: "unit", Index: k.index, SingleFile: k.single, Partition: model.PartitionOptions{Patterns: patterns}}
	if k.published {
		opts.Scheme = "published"
	}
	if k.codec == model.RANS {
		opts.Codec, opts.Form = k.codec, k.form
	}
	target := source + ".df11"
	if _, err := checkpoint.Compress(ctx, source, target, opts); err != nil {
		return nil, err
	}
	files, err := readSweepTree(target)
	if err != nil {
		return nil, err
	}
	if !k.sidecar {
		delete(files, model.SidecarName)
	}
	return files, os.RemoveAll(target)
}

// measure decompresses and checks the sound container.
func (c *sweepContainer) measure(ctx context.Context, folder string) (err error) {
	w := sweepWorker{ctx: ctx, s: &sweep{}, c: c, folder: filepath.Join(folder, "sound")}
	if c.sidecar {
		sound := c.files
		c.files = sound.clone()
		delete(c.files, model.SidecarName)
		if err := w.start(); err != nil {
			return err
		}
		if c.plain, err = w.sound(); err != nil {
			return err
		}
		c.files = sound
	}
	if err := w.start(); err != nil {
		return err
	}
	if c.want, err = w.sound(); err != nil {
		return err
	}
	for range 3 { // the first runs make what is kept
		before := allocatedBytes()
		if _, err := w.sound(); err != nil {
			return err
		}
		c.most = allocatedBytes() - before
	}
	return nil
}

// compare compares the decompressed container with the model: its files or, without a sidecar, its tensors.
func (c *sweepContainer) compare(source string) error {
	files, err := readSweepTree(source)
	if err != nil {
		return err
	}
	if c.sidecar {
		if d := files.differs(c.want); d != "" {
			return fmt.Errorf("the sound container gives another model: %s", d)
		}
		return nil
	}
	var want []sweepTensor
	for path, f := range files {
		if strings.HasSuffix(path, model.Extension) {
			list, err := tensorsOf(f.data)
			if err != nil {
				return err
			}
			want = append(want, list...)
		}
	}
	got, err := tensorsOf(c.want[model.RestFileName].data)
	if err != nil {
		return err
	}
	slices.SortFunc(want, func(a, b sweepTensor) int { return strings.Compare(a.name, b.name) })
	slices.SortFunc(got, func(a, b sweepTensor) int { return strings.Compare(a.name, b.name) })
	if !slices.EqualFunc(want, got, sweepTensor.equal) {
		return fmt.Errorf("the sound container gives other tensors")
	}
	return nil
}

// decoderOptions keep a case from being spread over processors, because other cases run on these.
var decoderOptions = []runtime.Option{runtime.WithWorkers(1)}
