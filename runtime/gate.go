package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/seed54244801/bespoke/internal/fault"
)

// ErrClosed is the error of methods of a [Model] that is closed, and of its [DeviceWeights] and [DeviceMatrix]. It
// wraps fs.ErrClosed, and is wrapped in an error that names the checkpoint.
var ErrClosed = fmt.Errorf("the model is closed: %w", fs.ErrClosed)

// errNilContext is the error of a method that is called with a nil context.
var errNilContext = errors.New("the context is nil")

// A gate counts the running calls, so that Close can wait for them.
type gate struct {
	// state is the number of running calls. The constant closed is added to it when no more calls may enter.
	state atomic.Int64
	last  sync.Once
	empty chan struct{} // closed when the gate is closed and the last call is over
}

// closed is larger than any number of calls.
const closed = 1 << 62

// enter reports whether the gate is open. If so, leave must follow.
func (g *gate) enter() bool {
	if g.state.Add(1) < closed {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.state.Add(-1) == closed {
		g.last.Do(func() { close(g.empty) })
	}
}

// close keeps new calls out, and waits for the running ones. It is called once.
func (g *gate) close() {
	g.state.Add(1 + closed)
	g.leave() // close counts as a call, so that it is the last one if no other runs
	<-g.empty
}

// inside runs f while the files are open, under a guard. Close waits for it.
func (m *Model) inside(f func() error) error {
	if !m.gate.enter() {
		return m.wrap(ErrClosed)
	}
	defer m.gate.leave()
	err := fault.Guard(f)
	if gone, ok := err.(*fault.Error); ok {
		return m.wrap(gone)
	}
	return err
}

// call is inside for a function that takes a context. Close ends the context that f gets. If f ends because of
// that, the error is ErrClosed.
func (m *Model) call(ctx context.Context, f func(ctx context.Context) error) error {
	return m.watched(ctx, func(ctx context.Context) error {
		return m.inside(func() error { return f(ctx) })
	})
}

// watched is call for a function that Close does not wait for.
func (m *Model) watched(ctx context.Context, f func(ctx context.Context) error) error {
	if ctx == nil {
		return m.wrap(errNilContext)
	}
	if err := m.ended(ctx); err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(m.open, cancel)
	defer stop()
	err := f(inner)
	if errors.Is(err, context.Canceled) && ctx.Err() == nil && m.open.Err() != nil {
		return m.wrap(ErrClosed)
	}
	return err
}

// ended returns ErrClosed if the model is closed, or else the error of the context. It is nil if work may go on.
func (m *Model) ended(ctx context.Context) error {
	if m.open.Err() != nil {
		return m.wrap(ErrClosed)
	}
	return ctx.Err()
}

// wrap names the checkpoint in an error.
func (m *Model) wrap(err error) error { return fmt.Errorf("runtime: %s: %w", m.path, err) }
