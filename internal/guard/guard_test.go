//go:build unix

package guard

import (
	"runtime/debug"
	"testing"
	"unsafe"
)

// TestGuard touches the bytes inside a buffer, which must work, and those beside it, which must fail.
func TestGuard(t *testing.T) {
	for _, n := range []int{1, 100, 4096, 10_000} {
		before, after := Before(t, n), After(t, n)
		for i := range n {
			before[i], after[i] = 1, 1
		}
		if !faults(unsafe.Add(unsafe.Pointer(&before[0]), n)) {
			t.Errorf("Before(%d): the byte after it can be read", n)
		}
		if !faults(unsafe.Add(unsafe.Pointer(&after[0]), -1)) {
			t.Errorf("After(%d): the byte before it can be read", n)
		}
	}
	if words := BeforeOf[uint16](t, 7); len(words) != 7 || !faults(unsafe.Add(unsafe.Pointer(&words[6]), 2)) {
		t.Error("BeforeOf[uint16](7): not 7 words before a forbidden page")
	}
	if len(AfterOf[uint64](t, 0)) != 0 {
		t.Error("AfterOf[uint64](0) is not empty")
	}
}

// faults reports whether reading a byte fails.
func faults(p unsafe.Pointer) (failed bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { failed = recover() != nil }()
	sink = *(*byte)(p)
	return false
}

var sink byte
