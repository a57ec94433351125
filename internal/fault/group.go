package fault

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// A Group runs functions that read mapped memory side by side. A fault in one of them reaches the goroutine that
// waits for all. The zero value is ready to use.
type Group struct {
	goroutines sync.WaitGroup
	fault      atomic.Pointer[addressed]
}

// Go calls f in a goroutine of its own. If the goroutine that calls Go is under a guard, a fault in f ends f early.
func (g *Group) Go(f func()) {
	on := debug.SetPanicOnFault(true)
	debug.SetPanicOnFault(on)
	g.goroutines.Go(func() {
		debug.SetPanicOnFault(on)
		g.Do(f)
	})
}

// Do calls f, which ends early at a fault. Other panics go on.
func (g *Group) Do(f func()) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(addressed)
			if !ok {
				panic(p)
			}
			g.fault.CompareAndSwap(nil, &e)
		}
	}()
	f()
}

// Failed reports whether there was a fault. The other functions need not go on then.
func (g *Group) Failed() bool { return g.fault.Load() != nil }

// Wait waits for all goroutines. It panics with the first fault, if there was one.
func (g *Group) Wait() {
	g.goroutines.Wait()
	if e := g.fault.Load(); e != nil {
		panic(*e)
	}
}
