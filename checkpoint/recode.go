package checkpoint

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/seed54244801/bespoke/internal/atomicfile"
)

// Recode writes the compressed checkpoint at src to the new folder dst, coded in another way, without the model that it
// was made from. The result is that of [Compress] for the model: dst is the same, byte for byte, if src has the sidecar
// of Compress. Every tensor and file is compared with the sums that src has of it.
//
// The model is restored in a hidden folder beside dst meanwhile. So the disk needs room for it, too.
func Recode(ctx context.Context, src, dst string, from DecompressOptions, to CompressOptions) (*CompressReport, error) {
	coder, err := to.newCoder()
	if err != nil {
		return nil, err
	}
	// What is wrong with dst is found out before the work.
	out, err := newContainer(dst, to.Force, false, to.key(coder), src)
	if err != nil {
		return nil, err
	}
	target := filepath.Dir(out.Path())
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("checkpoint: output: %w", err)
	}
	work, err := atomicfile.NewDir(filepath.Join(target, filepath.Base(dst)+".model"), atomicfile.Options{})
	if err != nil {
		return nil, fmt.Errorf("checkpoint: output: %w", err)
	}
	defer work.Close()
	restored := filepath.Join(work.Path(), modelName(src))
	if _, err := Decompress(ctx, src, restored, from); err != nil {
		return nil, err
	}
	r, err := Compress(ctx, restored, dst, to)
	if err != nil {
		return nil, err
	}
	r.Source = src
	return r, nil
}
