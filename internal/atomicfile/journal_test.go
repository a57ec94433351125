//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// killed leaves a folder with the file "whole", finished with the key "a", and the file "half".
func killed(t *testing.T, target string) (name string) {
	t.Helper()
	name, kill := start(t, "dir", target)
	kill()
	return name
}

func TestResume(t *testing.T) {
	target := filepath.Join(t.TempDir(), "t")
	name := killed(t, target)
	d, err := NewDir(target, Options{Key: "key", Resume: true})
	must(t, err)
	if d.Path() != name {
		t.Errorf("begins anew in %s", d.Path())
	}
	if exists(filepath.Join(name, "half")) {
		t.Error("a file that was not finished is there")
	}
	if !finished(d, "whole", "a") || finished(d, "half", "a") {
		t.Error("what is finished is not told from what is not")
	}
	write(t, filepath.Join(name, "half"), "half")
	must(t, d.Finish("half", "b", "sum"))
	must(t, d.Commit())
	holds(t, filepath.Dir(target), "t", "t/half=half", "t/whole=whole")
}

// A file that is made of other things than before is made again, and a file that is not wanted any more is
// removed.
func TestResumeChanged(t *testing.T) {
	target := filepath.Join(t.TempDir(), "t")
	name := killed(t, target)
	d, err := NewDir(target, Options{Key: "key", Resume: true})
	must(t, err)
	if finished(d, "whole", "b") || exists(filepath.Join(name, "whole")) {
		t.Error("a file made of other things counts as finished")
	}
	must(t, d.Commit())
	holds(t, filepath.Dir(target), "t")

	target = filepath.Join(t.TempDir(), "t")
	killed(t, target)
	d, err = NewDir(target, Options{Key: "key", Resume: true})
	must(t, err)
	must(t, d.Commit())
	holds(t, filepath.Dir(target), "t")
}

// A folder is taken over only by a process that asks for it and has the same key, and only if it can be trusted.
func TestResumeRefused(t *testing.T) {
	journal := func(edit func(text string) string) func(t *testing.T, name string) {
		return func(t *testing.T, name string) {
			path := filepath.Join(name, journalName)
			text, err := os.ReadFile(path)
			must(t, err)
			write(t, path, edit(string(text)))
		}
	}
	same := journal(func(text string) string { return text })
	line := `{"name":"whole","key":"a","size":5,"sum":"sum"}` + "\n"
	cases := []struct {
		name   string
		change func(t *testing.T, name string)
		opts   Options
		same   bool // the folder is taken over
		whole  bool // and the file "whole" is finished
	}{
		{"not asked", same, Options{Key: "key"}, false, false},
		{"no key", same, Options{Resume: true}, false, false},
		{"another key", same, Options{Key: "other", Resume: true}, false, false},
		{"another format", journal(func(text string) string { return strings.Replace(text, ":1,", ":9,", 1) }),
			Options{Key: "key", Resume: true}, false, false},
		{"no journal", func(t *testing.T, name string) { must(t, os.Remove(filepath.Join(name, journalName))) },
			Options{Key: "key", Resume: true}, false, false},
		{"an empty journal", journal(func(string) string { return "" }), Options{Key: "key", Resume: true}, false, false},
		{"a torn head", journal(func(text string) string { return text[:10] }), Options{Key: "key", Resume: true}, false, false},
		{"a journal that is a link", func(t *testing.T, name string) {
			path := filepath.Join(name, journalName)
			outside := filepath.Join(filepath.Dir(name), "journal")
			must(t, os.Rename(path, outside))
			must(t, os.Symlink(outside, path))
		}, Options{Key: "key", Resume: true}, false, false},
		{"as it was", same, Options{Key: "key", Resume: true}, true, true},
		{"a torn line", journal(func(text string) string { return strings.TrimSuffix(text, "\n") }),
			Options{Key: "key", Resume: true}, true, false},
		{"torn after it", journal(func(text string) string { return text + line[:20] }), Options{Key: "key", Resume: true}, true, true},
		{"after a line of noise", journal(func(text string) string { return strings.Replace(text, line, "\x00\x00\n"+line, 1) }),
			Options{Key: "key", Resume: true}, true, false},
		{"a file cut short", func(t *testing.T, name string) { must(t, os.Truncate(filepath.Join(name, "whole"), 4)) },
			Options{Key: "key", Resume: true}, true, false},
		{"a file that is missing", func(t *testing.T, name string) { must(t, os.Remove(filepath.Join(name, "whole"))) },
			Options{Key: "key", Resume: true}, true, false},
		{"a file that is a link", func(t *testing.T, name string) {
			must(t, os.Rename(filepath.Join(name, "whole"), filepath.Join(name, "other"))) // another name of five bytes
			must(t, os.Symlink("other", filepath.Join(name, "whole")))
		}, Options{Key: "key", Resume: true}, true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "t")
			name := killed(t, target)
			c.change(t, name)
			d, err := NewDir(target, c.opts)
			must(t, err)
			defer d.Close()
			if (d.Path() == name) != c.same || d.Path() != name && exists(name) {
				t.Errorf("builds %s, was %s", d.Path(), name)
			}
			if finished(d, "whole", "a") != c.whole {
				t.Errorf("finished is %v", !c.whole)
			}
			want := "whole=whole"
			if !c.whole {
				write(t, filepath.Join(d.Path(), "whole"), "anew")
				must(t, d.Finish("whole", "a", "sum"))
				want = "whole=anew"
			}
			// The new journal can be read again.
			if c.opts.Key != "" {
				if !d.Keep() {
					t.Fatal("nothing was kept")
				}
				opts := c.opts
				opts.Resume = true
				if d, err = NewDir(target, opts); err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				if !finished(d, "whole", "a") {
					t.Error("what was kept is lost")
				}
			}
			must(t, d.Commit())
			holds(t, target, want)
		})
	}
}

// Of several folders the one with the most finished bytes is taken over, and the others are removed. A folder that
// a living process holds is left alone.
func TestResumeMost(t *testing.T) {
	target := filepath.Join(t.TempDir(), "t")
	var dirs []*Dir
	for _, n := range []int{2, 9, 5} {
		d, err := NewDir(target, Options{Key: "key"})
		must(t, err)
		write(t, filepath.Join(d.Path(), "f"), strings.Repeat("x", n))
		must(t, d.Finish("f", "k", "sum"))
		dirs = append(dirs, d)
	}
	alive, _ := start(t, "dir", target)
	for _, d := range dirs {
		if !d.Keep() {
			t.Fatal("not kept")
		}
	}
	d, err := NewDir(target, Options{Key: "key", Resume: true})
	must(t, err)
	if d.Path() != dirs[1].Path() || exists(dirs[0].Path()) || exists(dirs[2].Path()) || !exists(alive) {
		t.Errorf("%q", list(t, filepath.Dir(target)))
	}
	must(t, d.Close())
}

// Keep leaves nothing if nothing was finished, or if there is no journal.
func TestKeepNothing(t *testing.T) {
	for _, opts := range []Options{{}, {Key: "key"}} {
		target := filepath.Join(t.TempDir(), "a", "t")
		d, err := NewDir(target, opts)
		must(t, err)
		write(t, filepath.Join(d.Path(), "half"), "half")
		if d.Keep() {
			t.Error("something was kept")
		}
		holds(t, filepath.Dir(filepath.Dir(target)))
	}
}

// A file is flushed before it is recorded as finished. If flushing fails, it is not finished.
func TestFinishFlushes(t *testing.T) {
	target := filepath.Join(t.TempDir(), "t")
	d, err := NewDir(target, Options{Key: "key"})
	must(t, err)
	write(t, filepath.Join(d.Path(), "a"), "a")
	calls := 0
	flushed(t, func(path string) error {
		text, err := os.ReadFile(filepath.Join(d.Path(), journalName))
		must(t, err)
		if strings.Contains(string(text), `"a"`) || path != filepath.Join(d.Path(), "a") {
			t.Errorf("flushes %s when the journal is %q", path, text)
		}
		calls++
		return errors.New("no good")
	})
	if err := d.Finish("a", "k", "sum"); err == nil || calls != 1 || finished(d, "a", "k") {
		t.Errorf("%v after %d calls", err, calls)
	}
	must(t, d.Close())
}

// Many goroutines may finish files at the same time.
func TestFinishTogether(t *testing.T) {
	target := filepath.Join(t.TempDir(), "t")
	d, err := NewDir(target, Options{Key: "key"})
	must(t, err)
	names := strings.Split("abcdefghijklmnopqrstuvwxyz", "")
	var group sync.WaitGroup
	for _, name := range names {
		group.Go(func() {
			write(t, filepath.Join(d.Path(), name), name)
			if finished(d, name, "k") || d.Finish(name, "k", "sum") != nil {
				t.Errorf("%s cannot be finished", name)
			}
		})
	}
	group.Wait()
	if !d.Keep() {
		t.Fatal("nothing was kept")
	}
	d, err = NewDir(target, Options{Key: "key", Resume: true})
	must(t, err)
	defer d.Close()
	for _, name := range names {
		if !finished(d, name, "k") {
			t.Errorf("%s is lost", name)
		}
	}
}

// finished is Finished for files with the sum "sum".
func finished(d *Dir, name, key string) bool {
	sum, ok := d.Finished(name, key)
	return ok && sum == "sum"
}
