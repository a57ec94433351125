//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// The temporary name of a living process stays. That of a killed one is removed by the next process that writes
// the same target, whether file or folder.
func TestSweep(t *testing.T) {
	next := map[string]func(target string) error{
		"dir": func(target string) error {
			d, err := NewDir(target, Options{})
			if err != nil {
				return err
			}
			return d.Close()
		},
		"refused": func(target string) error {
			if err := os.MkdirAll(filepath.Join(target, "mine"), 0o777); err != nil {
				return err
			}
			defer os.RemoveAll(target)
			if _, err := NewDir(target, Options{}); !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("not refused: %w", err)
			}
			return nil
		},
		"file": func(target string) error {
			f, err := Create(target, false)
			if err != nil {
				return err
			}
			return f.Close()
		},
	}
	for _, first := range []string{"dir", "file"} {
		for second, next := range next {
			t.Run(first+" then "+second, func(t *testing.T) {
				target := filepath.Join(t.TempDir(), "t")
				name, kill := start(t, first, target)
				must(t, next(target))
				if !exists(name) {
					t.Fatal("what a living process is making is gone")
				}
				kill()
				if !exists(name) {
					t.Fatal("a process that was killed left nothing to test with")
				}
				must(t, next(target))
				holds(t, filepath.Dir(target))
			})
		}
	}
}

// A pipe in the place of a file is neither replaced nor opened.
func TestFilePipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, unix.Mkfifo(pipe, 0o666))
	if err := writeFile(pipe, "x", true); err == nil || !strings.Contains(err.Error(), "pipe exists and is not a regular file") {
		t.Errorf("%v", err)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe became %v, %v", info, err)
	}
}

// Only the names of the same target are swept, and only files and folders.
func TestSweepOthers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		".u.00000001.bespoke-tmp", ".t.x.00000001.bespoke-tmp", ".t.0000001.bespoke-tmp", ".t.0000000G.bespoke-tmp",
		"t.00000001.bespoke-tmp", ".t.00000001.bespoke-tmp2", ".t..bespoke-tmp",
	} {
		write(t, filepath.Join(dir, name), "")
	}
	must(t, os.Symlink("..", filepath.Join(dir, ".t.00000002.bespoke-tmp")))
	must(t, unix.Mkfifo(filepath.Join(dir, ".t.00000003.bespoke-tmp"), 0o666))
	before := list(t, dir)
	write(t, filepath.Join(dir, ".t.00000004.bespoke-tmp", "file"), "")
	write(t, filepath.Join(dir, ".t.00000005.bespoke-tmp"), "")
	d, err := NewDir(filepath.Join(dir, "t"), Options{})
	must(t, err)
	must(t, d.Close())
	holds(t, dir, before...)
}

// A folder of another user is not removed.
func TestSweepForeign(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	name := filepath.Join(dir, ".t.00000001.bespoke-tmp")
	must(t, os.Mkdir(name, 0o777))
	must(t, os.Chown(name, 65534, 65534))
	sweep(filepath.Join(dir, "t"))
	if !exists(name) {
		t.Error("it is gone")
	}
}

// A folder that was set aside is put back if nothing is in its place. Otherwise it is removed.
func TestPutBack(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		dir := t.TempDir()
		target := filepath.Join(dir, "t")
		write(t, filepath.Join(dir, ".t.00000001.bespoke-old", "old"), "old")
		write(t, filepath.Join(dir, ".t.00000002.bespoke-tmp", "new"), "new")
		want := []string{"t", "t/old=old"}
		if replaced {
			write(t, filepath.Join(target, "newer"), "newer")
			want = []string{"t", "t/newer=newer"}
		}
		d, err := NewDir(target, Options{Replace: yes})
		must(t, err)
		must(t, d.Close())
		holds(t, dir, want...)
	}
}

// A lock on the file that a path named before is no lock on the file that the path names now.
func TestCheckNamed(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, "")
	write(t, b, "")
	f, err := os.Open(a)
	must(t, err)
	defer f.Close()
	must(t, checkNamed(f, a))
	must(t, os.Rename(b, a))
	if err := checkNamed(f, a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another file: %v", err)
	}
	must(t, os.Remove(a))
	if err := checkNamed(f, a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Processes that begin and give up the same target at the same time never remove each other's names, although a
// name looks abandoned between its making and its lock.
func TestSweepRace(t *testing.T) {
	target := filepath.Join(t.TempDir(), "a", "t")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				d, err := NewDir(target, Options{Key: "key"})
				if err != nil {
					t.Errorf("NewDir: %v", err)
					return
				}
				if err := os.WriteFile(filepath.Join(d.Path(), "file"), nil, 0o666); err != nil {
					t.Errorf("the folder was taken away: %v", err)
				}
				if err := d.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
		})
	}
	group.Wait()
	// A folder that one process made while another was using it may remain.
	if err := os.Remove(filepath.Dir(target)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}
