package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	goruntime "runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// A hasher takes the sha256 of open files beside other work. The sum of one file cannot be divided among
// processors, so hashing a large file is the longest job there is: it has to begin early.
type hasher struct {
	cancel   context.CancelFunc
	group    *errgroup.Group
	busy     atomic.Int32 // goroutines at work
	progress backlog
	sums     []fileSum // parallel to the files
}

// startHasher begins to hash the files, as many at a time as there are processors.
func startHasher(ctx context.Context, files []*model.File) *hasher {
	h := &hasher{sums: make([]fileSum, len(files))}
	ctx, h.cancel = context.WithCancel(ctx)
	h.group, ctx = errgroup.WithContext(ctx)
	var next atomic.Int32
	for range min(len(files), goruntime.GOMAXPROCS(0)) {
		h.busy.Add(1)
		h.group.Go(func() error {
			defer h.busy.Add(-1)
			for i := next.Add(1) - 1; int(i) < len(files); i = next.Add(1) - 1 {
				hash := sha256.New()
				if err := writeBlocks(ctx, hash, files[i].Content(), &h.progress); err != nil {
					return err
				}
				h.sums[i] = fileSum{files[i].Size(), hex.EncodeToString(hash.Sum(nil))}
			}
			return nil
		})
	}
	return h
}

// workers returns how many processors the hasher leaves to others, at least 1.
func (h *hasher) workers() int {
	return max(1, goruntime.GOMAXPROCS(0)-int(h.busy.Load()))
}

// wait returns the sums in the order of the files. From then on p follows the work; what was done before
// counts too.
func (h *hasher) wait(p Progress) ([]fileSum, error) {
	h.progress.show(p)
	return h.sums, h.group.Wait()
}

// close ends the work. The files may be closed then.
func (h *hasher) close() {
	h.cancel()
	_ = h.group.Wait() // nobody wants the sums
}
