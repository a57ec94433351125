//go:build unix

// Package guard makes memory for tests of assembly: buffers that begin or end at a forbidden page. The first byte
// that is read or written outside a buffer ends the test.
package guard

import (
	"fmt"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Before returns n bytes that end right before a forbidden page.
func Before(tb testing.TB, n int) []byte {
	pages := mapped(tb, n)
	return pages[len(pages)-n : len(pages) : len(pages)]
}

// After returns n bytes that begin right after a forbidden page.
func After(tb testing.TB, n int) []byte {
	return mapped(tb, n)[:n:n]
}

// BeforeOf is Before for elements of any type without pointers.
func BeforeOf[T any](tb testing.TB, n int) []T { return as[T](Before(tb, n*size[T]()), n) }

// AfterOf is After for elements of any type without pointers.
func AfterOf[T any](tb testing.TB, n int) []T { return as[T](After(tb, n*size[T]()), n) }

// mapped returns whole pages between two forbidden ones: at least one page, and at least n bytes. They are
// released when the test ends.
func mapped(tb testing.TB, n int) []byte {
	tb.Helper()
	page := os.Getpagesize()
	inner := max(1, (n+page-1)/page) * page
	all, err := unix.Mmap(-1, 0, inner+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		tb.Fatal(fmt.Errorf("guard: mmap: %w", err))
	}
	tb.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			tb.Error(fmt.Errorf("guard: munmap: %w", err))
		}
	})
	for _, forbidden := range [][]byte{all[:page], all[page+inner:]} {
		if err := unix.Mprotect(forbidden, unix.PROT_NONE); err != nil {
			tb.Fatal(fmt.Errorf("guard: mprotect: %w", err))
		}
	}
	return all[page : page+inner]
}

func size[T any]() int {
	var v T
	return int(unsafe.Sizeof(v))
}

func as[T any](b []byte, n int) []T {
	if n == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
