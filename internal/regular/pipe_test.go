//go:build unix

package regular

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(path); err == nil || !strings.Contains(err.Error(), "not a regular file (p---------)") {
		t.Errorf("have %v, want a refusal", err)
	}
	if have, want := Odd(path), "a named pipe"; have != want {
		t.Errorf("Odd: have %q, want %q", have, want)
	}
}
