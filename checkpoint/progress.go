package checkpoint

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// Progress follows an operation. A stage goes over a known number of bytes or other things. Stages come one after
// another. Advance may be called from several goroutines at once.
type Progress interface {
	// Stage begins a stage that goes over total things: bytes if unit is "", else what unit names, such as
	// "rounds".
	Stage(name string, total int64, unit string)
	// Advance reports that n more bytes or things of the stage are done.
	Advance(n int64)
	// Done ends the last stage.
	Done()
}

// silent is the Progress of callers that want none.
type silent struct{}

func (silent) Stage(string, int64, string) {}
func (silent) Advance(int64)               {}
func (silent) Done()                       {}

func orSilent(p Progress) Progress {
	if p == nil {
		return silent{}
	}
	return p
}

// portion is how many bytes are written between two looks at the context.
const portion = 1 << 20

// writePortions writes data in portions, so that a cancelled context is noticed and progress is seen.
func writePortions(ctx context.Context, w io.Writer, data []byte, p Progress) error {
	for len(data) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(len(data), portion)
		if _, err := w.Write(data[:n]); err != nil {
			return err
		}
		p.Advance(int64(n))
		data = data[n:]
	}
	return nil
}

// contextReader reads until its context is cancelled.
type contextReader struct {
	ctx context.Context
	r   io.Reader
	p   Progress
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	c.p.Advance(int64(n))
	return n, err
}

// side calls f in a goroutine of the group, under a guard, because all work here reads mapped files, which may be
// cut short.
func side(group *errgroup.Group, f func() error) {
	group.Go(func() error { return model.Guard(f) })
}
