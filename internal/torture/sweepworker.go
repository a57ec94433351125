package torture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/cost"
	"github.com/seed54244801/bespoke/model"
)

// A sweepWorker tries cases, one after another, in a folder of its own.
type sweepWorker struct {
	ctx    context.Context
	s      *sweep
	c      *sweepContainer
	folder string // the parent of the container and of the output
}

func (w *sweepWorker) container() string { return filepath.Join(w.folder, "df11") }
func (w *sweepWorker) output() string    { return filepath.Join(w.folder, "out") }

// A sweepResult is the result of a case.
type sweepResult struct {
	same    bool // the case changes nothing
	outcome func(*SweepRow) *int
	found   bool // by Check
	left    bool
	over    bool
	panics  bool
	missed  bool
	faults  []string // descriptions of what counts as bad
}

// counted returns the counts of the row that the result belongs to.
func (r *sweepResult) counted(row *SweepRow) []*int {
	list := []*int{r.outcome(row)}
	for _, x := range []struct {
		is bool
		n  *int
	}{{r.found, &row.Found}, {r.left, &row.Left}, {r.over, &row.Over}, {r.panics, &row.Panics}, {r.missed, &row.Missed}} {
		if x.is {
			list = append(list, x.n)
		}
	}
	return list
}

// start writes the sound container again.
func (w *sweepWorker) start() error {
	if err := os.RemoveAll(w.folder); err != nil {
		return err
	}
	if err := os.MkdirAll(w.container(), 0o777); err != nil {
		return err
	}
	return w.c.files.write(w.container())
}

// sound decompresses and checks the container in the folder, which must be without damage.
func (w *sweepWorker) sound() (sweepTree, error) {
	var r sweepResult
	tree, _, err := w.decompress(&r)
	if err == nil {
		_, err = w.check(&r)
	}
	if err == nil && len(r.faults) > 0 {
		err = fmt.Errorf("%v", r.faults)
	}
	return tree, err
}

// try damages the container, looks at the result, and undoes the damage.
func (w *sweepWorker) try(x *sweepCase) (r sweepResult, err error) {
	w.s.alone.RLock()
	took, limit, err := w.tryOnce(x, &r)
	w.s.alone.RUnlock()
	// Other goroutines allocate at the same time, so the case is tried again while none of them runs.
	for i := 0; err == nil && took > limit; i++ {
		if i == 3 {
			r.over = true
			r.faults = append(r.faults, fmt.Sprintf("takes %d bytes of memory, the limit is %d", took, limit))
			break
		}
		w.s.alone.Lock()
		took, limit, err = w.tryOnce(x, &sweepResult{})
		w.s.alone.Unlock()
	}
	return r, err
}

// tryOnce is try without the repetition.
func (w *sweepWorker) tryOnce(x *sweepCase, r *sweepResult) (took, limit uint64, err error) {
	changed := x.change()
	maps.DeleteFunc(changed, func(path string, data []byte) bool {
		sound, ok := w.c.files[path]
		return ok == (data != nil) && bytes.Equal(data, sound.data)
	})
	if len(changed) == 0 {
		r.same = true
		return 0, 0, nil
	}
	added := 0
	damaged := w.c.files.clone()
	for path, data := range changed {
		if data == nil {
			delete(damaged, path)
			err = os.Remove(filepath.Join(w.container(), path))
		} else {
			added += max(0, len(data)-len(damaged[path].data))
			damaged[path] = sweepFile{data, cmp.Or(damaged[path].mode, 0o644)}
			err = damaged.writeFile(w.container(), path)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	if took, err = w.run(x, changed, r); err != nil {
		return 0, 0, err
	}
	for path := range changed {
		if _, ok := w.c.files[path]; ok {
			err = errors.Join(err, w.c.files.writeFile(w.container(), path))
		} else {
			err = errors.Join(err, os.Remove(filepath.Join(w.container(), path)))
		}
	}
	return took, w.limit(added), err
}

// limit is the largest amount of memory for a container with that many added bytes: four times what the sound one
// takes, and 200 bytes for each added byte.
func (w *sweepWorker) limit(added int) uint64 { return 4*w.c.most + 200*uint64(added) }

// run decompresses and checks the damaged container. It returns the number of bytes that were allocated meanwhile.
func (w *sweepWorker) run(x *sweepCase, changed map[string][]byte, r *sweepResult) (took uint64, err error) {
	defer cost.Watch(w.c.name() + ", " + x.what())()
	before := allocatedBytes()
	tree, report, failure := w.decompress(r)
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	vouched, checked := w.check(r)
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	took = allocatedBytes() - before
	r.found = checked != nil
	w.judge(x, changed, r, tree, report, failure)
	r.missed = !r.found && vouched && w.c.own() && !x.forged && !x.harmless
	if r.missed {
		r.faults = append(r.faults, "is not found by Check")
	}
	return took, nil
}

// judge says which outcome it is.
func (w *sweepWorker) judge(x *sweepCase, changed map[string][]byte, r *sweepResult, tree sweepTree, report *checkpoint.DecompressReport, failure error) {
	_, hasSidecar := changed[model.SidecarName]
	lostSidecar := w.c.sidecar && hasSidecar && changed[model.SidecarName] == nil
	difference := ""
	if failure == nil {
		difference = w.c.want.differs(tree)
	}
	switch {
	case failure != nil:
		r.outcome = func(row *SweepRow) *int { return &row.Errors }
	case difference == "":
		r.outcome = func(row *SweepRow) *int { return &row.Same }
	case lostSidecar && !report.Identical && w.c.plain.differs(tree) == "",
		x.forged && w.c.said(tree, changed):
		r.outcome = func(row *SweepRow) *int { return &row.Said }
	case !w.c.own() && (!w.c.sidecar || lostSidecar):
		r.outcome = func(row *SweepRow) *int { return &row.Unnoticed }
	default:
		r.outcome = func(row *SweepRow) *int { return &row.Wrong }
		r.faults = append(r.faults, "decompresses to something else: "+difference)
	}
}

// decompress decompresses the container and reads the result.
func (w *sweepWorker) decompress(r *sweepResult) (tree sweepTree, report *checkpoint.DecompressReport, err error) {
	err = caught(r, func() error {
		report, err = checkpoint.Decompress(w.ctx, w.container(), w.output(), checkpoint.DecompressOptions{Runtime: decoderOptions})
		return err
	})
	entries, listErr := os.ReadDir(w.folder)
	if listErr != nil {
		return nil, nil, listErr
	}
	want := []string{"df11"}
	if err == nil {
		want = append(want, "out")
	}
	if !slices.EqualFunc(entries, want, func(e fs.DirEntry, name string) bool { return e.Name() == name }) {
		r.left = true
		r.faults = append(r.faults, fmt.Sprintf("leaves %v beside it", entries))
	}
	if err == nil {
		tree, err = readSweepTree(w.output())
	}
	for _, e := range entries {
		if e.Name() != "df11" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(w.folder, e.Name())))
		}
	}
	return tree, report, err
}

// check checks the container, and reports whether there were sums to compare with.
func (w *sweepWorker) check(r *sweepResult) (vouched bool, err error) {
	err = caught(r, func() error {
		report, err := checkpoint.Check(w.ctx, w.container(), checkpoint.VerifyOptions{Runtime: decoderOptions})
		if err != nil {
			return err
		}
		vouched = report.Sums > 0
		return report.Err()
	})
	return vouched, err
}

// caught runs f and notes a panic.
func caught(r *sweepResult, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.panics = true
			r.faults = append(r.faults, fmt.Sprintf("panics: %v\n%s", p, debug.Stack()))
			err = errors.New("panic")
		}
	}()
	return f()
}

// allocatedBytes returns how many bytes the process has ever allocated.
func allocatedBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
