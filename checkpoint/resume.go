package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
)

// key names what decides over the content of all files of a container but the model: an output that was begun with
// another key is of no use.
func (o *CompressOptions) key() string {
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return fmt.Sprintf("compress %s %s %v single=%v", version, o.Scheme, o.Index, o.SingleFile)
}

// unitKey names all that decides over the file of unit i: the whole model, which its metadata name, its tensors, its
// code book and its permissions.
func (w *compressor) unitKey(i int) string {
	u := w.partition.Units[i]
	var h xxh3.Hasher
	fmt.Fprintf(&h, "%v %q %d %v %v\n", w.modelSum, u.Name, len(w.partition.Units), w.units[i].Book.Fingerprint(), w.mode(false))
	for _, t := range u.Tensors {
		fmt.Fprintf(&h, "%q %v\n", t.Name, w.tensors[t.Name])
	}
	return model.TensorSum(h.Sum128().Bytes()).String()
}

// again takes over the file of unit i that an earlier run finished. It reports false where there is none, or one that
// was damaged since, which it removes.
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

// takeOver notes sizes and sums of a file of unit i, whose tensors have a sum together.
func (w *compressor) takeOver(i int, path, sum string) error {
	f, err := model.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return model.Guard(func() error {
		size := codebook.Size{}
		stored := map[string]model.TensorSum{}
		for _, t := range f.Tensors {
			stored[t.Name] = model.SumTensor(t.Bytes())
			addPart(&size, t)
		}
		if model.ModelSum(stored).String() != sum {
			return fmt.Errorf("checkpoint: %s was damaged", path)
		}
		w.sizes[i] = size
		w.container.note(stored)
		return nil
	})
}

// addPart adds the size of a stored tensor of a unit, by its name.
func addPart(size *codebook.Size, t *model.Tensor) {
	parts := map[string]*uint64{
		"luts": &size.Luts, "encoded_exponent": &size.Stream, "sign_mantissa": &size.SignMantissa, "output_positions": &size.OutputPositions,
		"gaps": &size.Gaps, "split_positions": &size.SplitPositions, "tiles": &size.Tiles,
	}
	if n := parts[model.PartOf(t.Name)]; n != nil {
		*n += t.Size()
	}
}
