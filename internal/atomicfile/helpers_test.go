package atomicfile

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain is also the entry of the processes that tests start. "dir TARGET" and "file TARGET" begin an output,
// say where it is, and wait until they are killed.
func TestMain(m *testing.M) {
	if os.Getenv("ATOMICFILE_CHILD") == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Args[1], os.Args[2]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func child(what, target string) error {
	var name string
	switch what {
	case "dir":
		d, err := NewDir(target, Options{Key: "key"})
		if err != nil {
			return err
		}
		name = d.Path()
		if err := os.WriteFile(filepath.Join(name, "whole"), []byte("whole"), 0o666); err != nil {
			return err
		}
		if err := d.Finish("whole", "a", "sum"); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(name, "half"), []byte("ha"), 0o666); err != nil {
			return err
		}
	case "file":
		f, err := Create(target, false)
		if err != nil {
			return err
		}
		name = f.Name()
	}
	fmt.Println(name)
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// start starts a process that begins an output. It returns the temporary name, and a function that kills the
// process.
func start(t *testing.T, what, target string) (name string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], what, target)
	cmd.Env = append(os.Environ(), "ATOMICFILE_CHILD=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		stdin.Close()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	name = strings.TrimSuffix(line, "\n")
	if _, statErr := os.Lstat(name); err != nil || statErr != nil {
		t.Fatalf("the process says %q, %v", line, err)
	}
	return name, kill
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// list returns the paths in a folder. A file is followed by "=" and its text.
func list(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil && e.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			name += "=" + string(text)
		}
		found = append(found, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func holds(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
