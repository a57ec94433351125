package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/internal/testenv"
)

// TestCached builds anew what was made from something else, and nothing twice.
func TestCached(t *testing.T) {
	tools, err := toolchain()
	if err != nil {
		if testenv.Required("cxx") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	folder := t.TempDir()
	built := 0
	get := func(flag, source string) string {
		t.Helper()
		path := filepath.Join(folder, "program")
		err := cached(tools.compiler, []string{flag}, []byte(source), path, func() error {
			built++
			return os.WriteFile(path, []byte(flag+source), 0o700)
		})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, tt := range []struct {
		flag, source string
		built        int
	}{
		{"-O1", "a", 1}, {"-O1", "a", 1}, {"-O2", "a", 2}, {"-O1", "b", 3}, {"-O2", "a", 3}, {"-O1", "a", 3},
	} {
		if got := get(tt.flag, tt.source); got != tt.flag+tt.source || built != tt.built {
			t.Errorf("%s %s: got %s, %d built, want %d", tt.flag, tt.source, got, built, tt.built)
		}
	}
	// What nobody has asked for in a while goes with the next one that is built.
	entry, err := cacheEntry(tools.compiler, []string{"-O1"}, []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * kept)
	if err := os.Chtimes(entry, old, old); err != nil {
		t.Fatal(err)
	}
	get("-O1", "c")
	if _, err := os.Stat(entry); !os.IsNotExist(err) {
		t.Errorf("the old entry is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(entry)); err != nil {
		t.Error(err)
	}
}
