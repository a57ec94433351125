// Package faulttest has helpers for tests of code that reads mapped files.
package faulttest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/edsrzf/mmap-go"

	"github.com/seed54244801/bespoke/internal/fault"
)

// Require skips a test where faults come without their address, as in qemu's emulation of a processor for single
// programs. There, nothing can tell which file is to blame.
func Require(tb testing.TB) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "probe")
	if err := os.WriteFile(path, make([]byte, os.Getpagesize()), 0o600); err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	m, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer m.Unmap()
	if err := f.Truncate(0); err != nil {
		tb.Fatal(err)
	}
	fault.Register(path, m)
	defer fault.Unregister(m)
	defer func() {
		if p := recover(); p != nil {
			tb.Skip("an emulator that does not tell the addresses of faults")
		}
	}()
	var read [1]byte
	err = fault.Guard(func() error { copy(read[:], m); return nil })
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		tb.Fatalf("the probe of a file that was cut short: %v", err)
	}
}
