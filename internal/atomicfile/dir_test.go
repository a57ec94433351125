package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func yes(old, fresh string) error { return nil }

func TestDir(t *testing.T) {
	cases := []struct {
		name   string
		before []string // files, and folders with "/" at the end
		target string
		opts   Options
		close  bool // close it instead of committing
		refuse string
		want   []string
	}{
		{name: "new", target: "t", want: []string{"t", "t/below", "t/below/new=new"}},
		{name: "new, replacing", target: "t", opts: Options{Replace: yes}, want: []string{"t", "t/below", "t/below/new=new"}},
		{name: "closed", target: "t", close: true},
		{name: "empty", before: []string{"t/"}, target: "t", want: []string{"t", "t/below", "t/below/new=new"}},
		{name: "empty, closed", before: []string{"t/"}, target: "t", close: true, want: []string{"t"}},
		{name: "missing parents", target: "a/b/t", want: []string{"a", "a/b", "a/b/t", "a/b/t/below", "a/b/t/below/new=new"}},
		{name: "missing parents, closed", target: "a/b/t", close: true},
		{name: "one parent missing, closed", before: []string{"a/"}, target: "a/b/t", close: true, want: []string{"a"}},
		{name: "existing", before: []string{"t/old"}, target: "t", refuse: "file already exists", want: []string{"t", "t/old=old"}},
		{name: "replaced", before: []string{"t/old", "t/more/old"}, target: "t", opts: Options{Replace: yes},
			want: []string{"t", "t/below", "t/below/new=new"}},
		{name: "replace given up", before: []string{"t/old"}, target: "t", opts: Options{Replace: yes}, close: true,
			want: []string{"t", "t/old=old"}},
		{name: "a file", before: []string{"t"}, target: "t", opts: Options{Replace: yes}, refuse: "/t exists and is not a folder",
			want: []string{"t=old"}},
		{name: "below a file", before: []string{"t"}, target: "t/x", refuse: "/t/x: not a directory", want: []string{"t=old"}},
		{name: "deep below a file", before: []string{"t"}, target: "t/x/y", refuse: "/t/x/y: not a directory", want: []string{"t=old"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			for _, name := range c.before {
				if strings.HasSuffix(name, "/") {
					must(t, os.Mkdir(filepath.Join(parent, name), 0o777))
				} else {
					write(t, filepath.Join(parent, name), "old")
				}
			}
			d, err := NewDir(filepath.Join(parent, c.target), c.opts)
			if c.refuse != "" {
				if err == nil || !strings.Contains(err.Error(), c.refuse) || strings.Contains(err.Error(), "\n") {
					t.Errorf("NewDir: %v, want %q", err, c.refuse)
				}
				holds(t, parent, c.want...)
				return
			}
			must(t, err)
			write(t, filepath.Join(d.Path(), "below", "new"), "new")
			finish := d.Commit
			if c.close {
				finish = d.Close
			}
			must(t, finish())
			if err := d.Close(); err != nil {
				t.Errorf("second Close: %v", err)
			}
			if err := d.Commit(); err == nil {
				t.Error("a second Commit succeeded")
			}
			holds(t, parent, c.want...)
		})
	}
}

// A new folder gets the permissions of the folder that it replaces, empty or not.
func TestDirMode(t *testing.T) {
	for _, file := range []string{"", "old"} {
		target := filepath.Join(t.TempDir(), "t")
		must(t, os.Mkdir(target, 0o777))
		if file != "" {
			write(t, filepath.Join(target, file), "old")
		}
		must(t, os.Chmod(target, 0o770)) // more than the usual umask leaves
		d, err := NewDir(target, Options{Replace: yes})
		must(t, err)
		if info, err := os.Stat(d.Path()); err != nil || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("built with %v, %v", info.Mode(), err)
		}
		must(t, d.Commit())
		if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o770 {
			t.Errorf("%q: %v, %v", file, info.Mode(), err)
		}
	}
}

func TestDirLinks(t *testing.T) {
	parent := t.TempDir()
	link := func(name, to string) string {
		path := filepath.Join(parent, name)
		must(t, os.Symlink(to, path))
		return path
	}
	must(t, os.Mkdir(filepath.Join(parent, "real"), 0o777))
	for _, path := range []string{link("nowhere", "none"), filepath.Join(link("outer", "none"), "t"), link("loop", "loop")} {
		_, err := NewDir(path, Options{Replace: yes})
		if err == nil || !strings.Contains(err.Error(), "which does not exist") && !strings.Contains(err.Error(), "too many links") {
			t.Errorf("%s: %v", path, err)
		}
	}
	d, err := NewDir(link("good", "real"), Options{})
	must(t, err)
	write(t, filepath.Join(d.Path(), "new"), "new")
	must(t, d.Commit())
	holds(t, parent, "good", "loop", "nowhere", "outer", "real", "real/new=new")
	if to, err := os.Readlink(filepath.Join(parent, "good")); err != nil || to != "real" {
		t.Errorf("the link became %q, %v", to, err)
	}
}

// A target that appears while the folder is built is not replaced unless it is empty or may be replaced.
func TestDirLateTarget(t *testing.T) {
	for _, name := range []string{"", "late"} {
		parent := t.TempDir()
		target := filepath.Join(parent, "t")
		d, err := NewDir(target, Options{})
		must(t, err)
		must(t, os.Mkdir(target, 0o777))
		if name == "" {
			must(t, d.Commit())
			holds(t, parent, "t")
			continue
		}
		write(t, filepath.Join(target, name), "late")
		if err := d.Commit(); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Commit: %v, want %v", err, fs.ErrExist)
		}
		holds(t, parent, "t", "t/late=late")
	}
}

// The folder that is replaced is looked at before and after the two change places, with and without a system that
// can exchange them. An error of either look leaves everything as it was.
func TestDirReplace(t *testing.T) {
	unsupported := func(a, b string) error { return errors.ErrUnsupported }
	for name, exchange := range map[string]func(a, b string) error{"exchange": exchange, "aside": unsupported} {
		for refuse := range 3 {
			t.Run(name, func(t *testing.T) {
				parent := t.TempDir()
				target := filepath.Join(parent, "t")
				write(t, filepath.Join(target, "old"), "old")
				calls := 0
				d, err := NewDir(target, Options{Replace: func(old, fresh string) error {
					holds(t, old, "old=old")
					holds(t, fresh, "new=new")
					calls++
					if first := old == target; first != (calls == 1) {
						t.Errorf("call %d for %s", calls, old)
					}
					if calls == refuse {
						return errors.New("no")
					}
					return nil
				}})
				must(t, err)
				d.exchange = exchange
				write(t, filepath.Join(d.Path(), "new"), "new")
				err = d.Commit()
				if (err == nil) != (refuse == 0) || err != nil && err.Error() != "no" {
					t.Errorf("Commit: %v", err)
				}
				if refuse == 0 {
					holds(t, parent, "t", "t/new=new")
				} else {
					holds(t, parent, "t", "t/old=old")
				}
			})
		}
	}
}

// flushed calls look with the path of each file or folder, instead of flushing it. Tests with it do not run in
// parallel.
func flushed(t *testing.T, look func(path string) error) {
	real := flush
	var mu sync.Mutex
	flush = func(f *os.File) error {
		mu.Lock()
		defer mu.Unlock()
		return look(f.Name())
	}
	t.Cleanup(func() { flush = real })
}

// Everything in the folder is flushed before it appears, and its parent afterwards.
func TestDirFlushed(t *testing.T) {
	for _, before := range []string{"", "t/", "t/old", "no parents"} {
		parent := t.TempDir()
		target := filepath.Join(parent, "t")
		want := []string{"a", "b/c", "b", "."}
		switch before {
		case "t/":
			must(t, os.Mkdir(target, 0o777))
		case "t/old":
			write(t, filepath.Join(target, "old"), "old")
		case "no parents":
			parent = filepath.Join(parent, "x", "y")
			target = filepath.Join(parent, "t")
			want = append(want, "../../..", "../..")
		}
		d, err := NewDir(target, Options{Replace: yes})
		must(t, err)
		write(t, filepath.Join(d.Path(), "a"), "a")
		write(t, filepath.Join(d.Path(), "b", "c"), "c")
		var early, late []string
		flushed(t, func(path string) error {
			rel, err := filepath.Rel(d.Path(), path)
			if exists(filepath.Join(target, "a")) {
				late = append(late, path)
			} else {
				early = append(early, filepath.ToSlash(rel))
			}
			return err
		})
		must(t, d.Commit())
		slices.Sort(early[:2])
		if !slices.Equal(early, want) {
			t.Errorf("%q: flushed before: %q, want %q", before, early, want)
		}
		if want := []string{parent}; !slices.Equal(late, want) {
			t.Errorf("%q: flushed after: %q, want %q", before, late, want)
		}
	}
}

// If the disk fails when it is flushed, the whole output is gone, and nothing else.
func TestDirFlushFails(t *testing.T) {
	for _, before := range []string{"", "t/", "t/old"} {
		for _, failing := range []string{"a", "b/c", "b", ".", ".."} {
			parent := t.TempDir()
			target := filepath.Join(parent, "t")
			var want []string
			switch before {
			case "t/":
				must(t, os.Mkdir(target, 0o777))
				want = []string{"t"}
			case "t/old":
				write(t, filepath.Join(target, "old"), "old")
				want = []string{"t", "t/old=old"}
			}
			d, err := NewDir(target, Options{Replace: yes})
			must(t, err)
			write(t, filepath.Join(d.Path(), "a"), "a")
			write(t, filepath.Join(d.Path(), "b", "c"), "c")
			flushed(t, func(path string) error {
				if path == filepath.Join(d.Path(), filepath.FromSlash(failing)) {
					return errors.New("no good")
				}
				return nil
			})
			if err := d.Commit(); err == nil || !strings.Contains(err.Error(), "no good") {
				t.Errorf("%q, %s fails: %v", before, failing, err)
			}
			holds(t, parent, want...)
		}
	}
}

// A second process that replaces the same folder at the same time is refused. The folder that is being replaced is
// not removed by another process either.
func TestDirReplacedByAnother(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "t")
	write(t, filepath.Join(target, "old"), "old")
	var inner error
	d, err := NewDir(target, Options{Replace: func(old, fresh string) error {
		if old == target {
			other, err := NewDir(target, Options{Replace: yes})
			if err != nil {
				return err
			}
			inner = other.Commit()
		} else {
			sweep(target)
			holds(t, old, "old=old")
		}
		return nil
	}})
	must(t, err)
	must(t, d.Commit())
	if inner == nil || !strings.Contains(inner.Error(), "in use by another process") {
		t.Errorf("the other one: %v", inner)
	}
	holds(t, parent, "t")
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "f")
	must(t, writeFile(target, "one", false))
	if err := writeFile(target, "two", false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("existing file: %v, want %v", err, fs.ErrExist)
	}
	holds(t, dir, "f=one")
	must(t, writeFile(target, "three", true))
	holds(t, dir, "f=three")
	f, err := Create(filepath.Join(dir, "g"), false)
	must(t, err)
	write(t, filepath.Join(dir, "g"), "late")
	if err := f.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("late target: %v, want %v", err, fs.ErrExist)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	holds(t, dir, "f=three", "g=late")

	must(t, os.Symlink("f", filepath.Join(dir, "link")))
	must(t, writeFile(filepath.Join(dir, "link"), "four", true))
	holds(t, dir, "f=four", "g=late", "link")
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink("none", filepath.Join(dir, "dangling")))
	write(t, filepath.Join(dir, "file"), "")
	for path, want := range map[string]string{
		dir:                             dir + " exists and is not a regular file",
		filepath.Join(dir, "dangling"):  "is a link to none, which does not exist",
		filepath.Join(dir, "no", "f"):   "nothing can be created in " + filepath.Join(dir, "no") + ": no such file",
		filepath.Join(dir, "file", "f"): filepath.Join("file", "f") + ": not a directory",
	} {
		err := writeFile(path, "x", true)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	holds(t, dir, "dangling", "file=")
}

// The code for systems that cannot exchange names behaves in the same way.
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

// Long names fit, and their temporary names differ.
func TestLongName(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("é", 126)
	f, err := Create(filepath.Join(dir, long+"ab"), false) // 254 bytes of 255
	must(t, err)
	defer f.Close()
	if tempPrefix(long+"ab") == tempPrefix(long+"ac") {
		t.Error("two long names have the same temporary ones")
	}
	must(t, f.Commit())
	holds(t, dir, long+"ab=")
}

// writeFile writes text to target in one step: whole or not at all.
func writeFile(target, text string, replace bool) error {
	f, err := Create(target, replace)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Commit()
}
