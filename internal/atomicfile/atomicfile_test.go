package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// noLeftovers fails if a temporary name lies in dir.
func noLeftovers(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestLongName(t *testing.T) {
	target := filepath.Join(t.TempDir(), strings.Repeat("é", 127)) // 254 bytes of 255
	if err := writeFile(target, []byte("x"), false); err != nil || read(t, target) != "x" {
		t.Error(err)
	}
}

func TestDir(t *testing.T) {
	cases := []struct {
		name     string
		existing bool // the target is there, with a file "old"
		replace  bool
		close    bool // closed instead of committed
		create   error
		want     string // file name found in the target afterwards, "" for no target
	}{
		{"new", false, false, false, nil, "new"},
		{"new with replace", false, true, false, nil, "new"},
		{"closed", false, false, true, nil, ""},
		{"existing", true, false, false, fs.ErrExist, "old"},
		{"replaced", true, true, false, nil, "new"},
		{"replace given up", true, true, true, nil, "old"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			target := filepath.Join(parent, "target")
			if c.existing {
				write(t, filepath.Join(target, "old"), "old")
			}
			d, err := NewDir(target, c.replace)
			if !errors.Is(err, c.create) {
				t.Fatalf("NewDir: %v, want %v", err, c.create)
			}
			if err == nil {
				write(t, filepath.Join(d.Path(), "new"), "new")
				write(t, filepath.Join(d.Path(), "below", "deep"), "new")
				finish := d.Commit
				if c.close {
					finish = d.Close
				}
				if err := finish(); err != nil {
					t.Fatal(err)
				}
				if err := d.Close(); err != nil {
					t.Errorf("second Close: %v", err)
				}
				if err := d.Commit(); err == nil {
					t.Error("a second Commit succeeded")
				}
			}
			noLeftovers(t, parent)
			if c.want == "" {
				if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("target exists: %v", err)
				}
				return
			}
			if got := read(t, filepath.Join(target, c.want)); got != c.want {
				t.Errorf("target holds %q, want %q", got, c.want)
			}
			entries, _ := os.ReadDir(target)
			if want := map[string]int{"old": 1, "new": 2}[c.want]; len(entries) != want {
				t.Errorf("%d entries in the target, want %d", len(entries), want)
			}
		})
	}
}

// A target that appears while the folder is built is never replaced unasked.
func TestDirLateTarget(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "target")
	d, err := NewDir(target, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(target, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit: %v, want %v", err, fs.ErrExist)
	}
	noLeftovers(t, parent)
}

// Where two names cannot be exchanged, the old folder steps aside and is gone afterwards.
func TestDirWithoutExchange(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "target")
	write(t, filepath.Join(target, "old"), "old")
	d, err := NewDir(target, true)
	if err != nil {
		t.Fatal(err)
	}
	d.exchange = func(a, b string) error { return errors.ErrUnsupported }
	write(t, filepath.Join(d.Path(), "new"), "new")
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	noLeftovers(t, parent)
	if got := read(t, filepath.Join(target, "new")); got != "new" {
		t.Errorf("target holds %q", got)
	}
	if _, err := os.Lstat(filepath.Join(target, "old")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old file is still there: %v", err)
	}
}

func TestDirErrors(t *testing.T) {
	if _, err := NewDir(filepath.Join(t.TempDir(), "no", "parent"), false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing parent: %v", err)
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "f")
	if err := writeFile(target, []byte("one"), false); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(target, []byte("two"), false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("existing file: %v, want %v", err, fs.ErrExist)
	}
	if got := read(t, target); got != "one" {
		t.Errorf("refused write changed the file to %q", got)
	}
	if err := writeFile(target, []byte("three"), true); err != nil {
		t.Fatal(err)
	}
	if got := read(t, target); got != "three" {
		t.Errorf("file holds %q", got)
	}
	f, err := Create(filepath.Join(dir, "g"), false)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "g"), "late")
	if err := f.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("late target: %v, want %v", err, fs.ErrExist)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if got := read(t, filepath.Join(dir, "g")); got != "late" {
		t.Errorf("late file holds %q", got)
	}
	noLeftovers(t, dir)
}

// The path for systems that cannot exchange names behaves the same.
func TestRenameChecked(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, "a")
	write(t, b, "b")
	if err := renameChecked(a, b); !errors.Is(err, fs.ErrExist) {
		t.Errorf("existing: %v", err)
	}
	if err := renameChecked(a, filepath.Join(dir, "c")); err != nil {
		t.Error(err)
	}
}

// writeFile writes data to target in one step: whole or not at all.
func writeFile(target string, data []byte, replace bool) error {
	f, err := Create(target, replace)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}
