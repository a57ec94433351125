package fault

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"sync/atomic"
	"syscall"
)

// An Error names a byte of a mapped file that could not be read.
type Error struct {
	Path   string // the file
	Offset int64  // of the byte, from the start of the file
}

// Error names file and byte.
func (e *Error) Error() string {
	const why = "the file was cut short since it was opened, or its disk failed"
	return fmt.Sprintf("%s: byte %d cannot be read any more: %s", e.Path, e.Offset, why)
}

// Guard calls f and returns its error. If f reads a byte of a registered file that cannot be read, Guard returns
// an [*Error]. f ends there, as with a panic; so it must unlock and release what others wait for by defer. If f
// returns an error that says that a system call was handed bad memory, and the end of a registered file turns out
// to be gone, the error becomes one that wraps an [*Error].
//
// Other panics of f go on. Guard watches the goroutine that calls it, not those that f starts: see [Group].
func Guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			e := translate(p)
			if e == nil {
				panic(p)
			}
			err = e
		}
	}()
	err = f()
	if errors.Is(err, syscall.EFAULT) {
		if e := cut(); e != nil {
			return fmt.Errorf("%w: %w", e, err)
		}
	}
	return err
}

// addressed is a runtime.Error that says which address could not be accessed.
type addressed interface {
	runtime.Error
	Addr() uintptr
}

// translate returns the error that a panic stands for. It returns nil for a panic that is not a fault in a
// registered file.
func translate(p any) *Error {
	if e, ok := p.(addressed); ok {
		return at(e.Addr())
	}
	return nil
}

// cut looks for a registered file whose last byte cannot be read. It returns the error of the first such byte;
// everything behind it is gone too.
func cut() *Error {
	regions.RLock()
	defer regions.RUnlock()
	for _, r := range regions.sorted {
		last := len(r.bytes) - 1
		if readable(&r.bytes[last]) {
			continue
		}
		page := os.Getpagesize()
		i := sort.Search(last/page, func(i int) bool { return !readable(&r.bytes[i*page]) })
		return &Error{Path: r.path, Offset: int64(i * page)}
	}
	return nil
}

// sink receives bytes that are read only to see whether they can be read.
var sink atomic.Uint32

// readable reports whether a byte can be read.
func readable(p *byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			if _, is := p.(addressed); !is {
				panic(p)
			}
		}
	}()
	sink.Store(uint32(*p))
	return true
}
