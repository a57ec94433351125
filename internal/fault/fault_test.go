//go:build unix

package fault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/edsrzf/mmap-go"
)

// mapped writes a file of the given number of pages, maps it and registers it.
func mapped(t *testing.T, pages int) (path string, content []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, pages*os.Getpagesize()), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	Register(path, m)
	t.Cleanup(func() {
		Unregister(m)
		if err := m.Unmap(); err != nil {
			t.Error(err)
		}
	})
	return path, m
}

// shrink cuts a file short to the given number of pages.
func shrink(t *testing.T, path string, pages int) {
	t.Helper()
	if err := os.Truncate(path, int64(pages*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
}

// read reads all bytes, in order.
func read(b []byte) {
	for i := range b {
		sink.Store(uint32(b[i]))
	}
}

// wantError checks that an error names the given byte of a file.
func wantError(t *testing.T, err error, path string, offset int) {
	t.Helper()
	want := Error{path, int64(offset)}
	if e, ok := errors.AsType[*Error](err); !ok || *e != want {
		t.Errorf("error %v, want %v", err, &want)
	}
	if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%s: byte %d cannot be read", path, want.Offset)) {
		t.Errorf("error %q", err)
	}
}

func TestGuard(t *testing.T) {
	page := os.Getpagesize()
	path, content := mapped(t, 3)
	other, otherContent := mapped(t, 2)
	guarded := func(b []byte) error {
		return Guard(func() error { read(b); return nil })
	}
	if err := guarded(content); err != nil {
		t.Error(err)
	}
	shrink(t, path, 1)
	wantError(t, guarded(content), path, page)
	wantError(t, guarded(content[3*page-1:]), path, 3*page-1)
	if err := guarded(content[:page]); err != nil {
		t.Error(err)
	}
	if err := guarded(otherContent); err != nil {
		t.Error(err)
	}
	shrink(t, other, 0)
	wantError(t, guarded(otherContent), other, 0)
	copied := make([]byte, len(content))
	err := Guard(func() error { copy(copied, content); return nil })
	if e, ok := errors.AsType[*Error](err); !ok || e.Path != path || e.Offset < int64(page) {
		t.Errorf("error %v", err)
	}
}

// TestGuardNested checks that the inner guard returns the error, and that the outer guard still works after it.
func TestGuardNested(t *testing.T) {
	path, content := mapped(t, 2)
	shrink(t, path, 0)
	var inner error
	outer := Guard(func() error {
		inner = Guard(func() error { read(content); return nil })
		read(content[1:])
		return nil
	})
	wantError(t, inner, path, 0)
	if e, ok := errors.AsType[*Error](outer); !ok || *e != (Error{path, 1}) {
		t.Errorf("error %v", outer)
	}
	if debug.SetPanicOnFault(false) {
		t.Error("faults are panics behind the guards")
	}
}

// TestGuardPanics checks that other panics pass a guard: those with values of any kind, and faults in memory that
// is not registered.
func TestGuardPanics(t *testing.T) {
	path, content := mapped(t, 1)
	shrink(t, path, 0)
	Unregister(content)
	defer Register(path, content) // for the clean-up
	var null *int
	for name, f := range map[string]func(){
		"value":        func() { panic("value") },
		"error":        func() { panic(os.ErrClosed) },
		"nil":          func() { *null++ },
		"index":        func() { _ = make([]int, 1)[len(content)] },
		"unregistered": func() { read(content) },
	} {
		t.Run(name, func(t *testing.T) {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
			panicked := func() (p any) {
				defer func() { p = recover() }()
				t.Errorf("no panic, error %v", Guard(func() error { f(); return nil }))
				return nil
			}()
			if panicked == nil {
				t.Error("no panic")
			}
			if _, ok := panicked.(*Error); ok {
				t.Errorf("panic %v", panicked)
			}
		})
	}
	if err := Guard(func() error { return os.ErrClosed }); err != os.ErrClosed {
		t.Errorf("error %v", err)
	}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		_ = Guard(func() error { runtime.Goexit(); return nil })
		t.Error("the goroutine goes on")
	}()
	<-ended
}

// TestGuardSystemCall hands memory that is gone to a system call.
func TestGuardSystemCall(t *testing.T) {
	path, content := mapped(t, 5)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	write := func() error {
		_, err := out.Write(content)
		return err
	}
	if err := Guard(write); err != nil {
		t.Error(err)
	}
	shrink(t, path, 2)
	content = content[2*os.Getpagesize():]
	wantError(t, Guard(write), path, 2*os.Getpagesize())
	shrink(t, path, 5) // whole again, with zeros
	bad := &os.PathError{Op: "write", Path: "out", Err: syscall.EFAULT}
	if err := Guard(func() error { return bad }); err != bad {
		t.Errorf("error %v", err)
	}
}

func TestGroup(t *testing.T) {
	path, content := mapped(t, 8)
	page := os.Getpagesize()
	work := func() error {
		var g Group
		for p := range 7 {
			g.Go(func() { read(content[p*page:][:page]) })
		}
		g.Do(func() { read(content[7*page:]) })
		g.Wait()
		if g.Failed() {
			t.Error("failed without a fault")
		}
		return nil
	}
	if err := Guard(work); err != nil {
		t.Error(err)
	}
	for pages := range 7 {
		shrink(t, path, 8)
		shrink(t, path, pages)
		err := Guard(work)
		if e, ok := errors.AsType[*Error](err); !ok || e.Path != path || e.Offset < int64(pages*page) {
			t.Errorf("%d pages left: error %v", pages, err)
		}
	}
	shrink(t, path, 8)
	shrink(t, path, 7)
	wantError(t, Guard(work), path, 7*page) // runs in the goroutine of the caller
}

// TestRegister registers and looks up from many goroutines.
func TestRegister(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				b := make([]byte, 100)
				Register("a", b)
				if e := at((region{bytes: b}).start() + 99); e == nil || *e != (Error{"a", 99}) {
					t.Errorf("error %v", e)
				}
				Unregister(b)
				if e := at((region{bytes: b}).start()); e != nil {
					t.Errorf("error %v", e)
				}
			}
		})
	}
	all.Wait()
	if len(regions.sorted) != 0 {
		t.Errorf("%d regions left", len(regions.sorted))
	}
}

func BenchmarkGuard(b *testing.B) {
	f := func() error { return nil }
	for b.Loop() {
		_ = Guard(f)
	}
}
