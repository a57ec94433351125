package fault

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// A Group runs functions side by side that read mapped memory, and hands a fault in one of them to whoever waits
// for all. The zero value is ready to use.
type Group struct {
	goroutines sync.WaitGroup
	fault      atomic.Pointer[addressed]
}

// Go calls f in a goroutine of its own. Faults are panics there if they are in the goroutine that calls Go.
func (g *Group) Go(f func()) {
	on := debug.SetPanicOnFault(true)
	debug.SetPanicOnFault(on)
	g.goroutines.Go(func() {
		debug.SetPanicOnFault(on)
		g.Do(f)
	})
}

// Do calls f, which ends early with a fault. Other panics go on.
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

// Failed reports whether there was a fault, so that what the others do is to no effect.
func (g *Group) Failed() bool { return g.fault.Load() != nil }

// Wait waits for all goroutines. It panics with the first fault, if there was one.
func (g *Group) Wait() {
	g.goroutines.Wait()
	if e := g.fault.Load(); e != nil {
		panic(*e)
	}
}
