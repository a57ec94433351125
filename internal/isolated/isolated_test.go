package isolated

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is what a program saw of its surroundings.
type seen struct {
	Folder  string
	Mode    os.FileMode
	Entries []string
	Environ []string
	Input   string
}

// TestMain is also the program of the tests: the test binary with the argument "look" or "fail".
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-") {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "look":
		var s seen
		var err error
		if s.Folder, err = os.Getwd(); err != nil {
			panic(err)
		}
		info, err := os.Stat(s.Folder)
		if err != nil {
			panic(err)
		}
		s.Mode = info.Mode().Perm()
		entries, err := os.ReadDir(s.Folder)
		if err != nil {
			panic(err)
		}
		for _, e := range entries {
			s.Entries = append(s.Entries, e.Name())
		}
		s.Environ = os.Environ()
		input, err := io.ReadAll(os.Stdin)
		if err != nil {
			panic(err)
		}
		s.Input = string(input)
		if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
			panic(err)
		}
	case "fail":
		fmt.Print("to standard output")
		fmt.Fprint(os.Stderr, strings.Repeat("to standard error ", 1000))
		os.Exit(7)
	}
}

// self returns the path of the program.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRun checks everything that a program sees.
func TestRun(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("glob.py", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const sep = string(filepath.ListSeparator)
	bin, lib := filepath.Join(here, "bin"), filepath.Join(here, "lib")
	for name, value := range map[string]string{
		"PATH":               strings.Join([]string{".", bin, "", "relative/bin", lib}, sep),
		"LD_LIBRARY_PATH":    sep + lib + sep,
		"HOME":               here,
		"CUDA_HOME":          "cuda",
		"CUDA_PATH":          bin,
		"NVCC_CCBIN":         "./g++",
		"LANG":               "de_DE.UTF-8",
		"LD_PRELOAD":         "evil.so",
		"PYTHONPATH":         here,
		"PYTHONSTARTUP":      "glob.py",
		"PYTHONHOME":         here,
		"NVCC_PREPEND_FLAGS": "-I.",
		"NVCC_APPEND_FLAGS":  "-I.",
		"CPATH":              here,
		"C_INCLUDE_PATH":     here,
		"CPLUS_INCLUDE_PATH": here,
		"LIBRARY_PATH":       here,
		"GCC_EXEC_PREFIX":    here,
		"COMPILER_PATH":      here,
		"BASH_ENV":           "glob.py",
		"ENV":                "glob.py",
	} {
		t.Setenv(name, value)
	}
	text, err := Run(t.Context(), self(t), "look")
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if s.Folder == here || !filepath.IsAbs(s.Folder) || s.Mode != 0o700 || len(s.Entries) > 0 || s.Input != "" {
		t.Errorf("the program ran in %s, of mode %v with %q, and read %q", s.Folder, s.Mode, s.Entries, s.Input)
	}
	if _, err := os.Stat(s.Folder); err == nil {
		t.Errorf("the folder %s is still there", s.Folder)
	}
	want := []string{
		"CLANG_NO_DEFAULT_CONFIG=1",
		"CUDA_PATH=" + bin,
		"HOME=" + here,
		"LC_ALL=C",
		"LD_LIBRARY_PATH=" + lib,
		"PATH=" + bin + sep + lib,
		"TEMP=" + s.Folder,
		"TMP=" + s.Folder,
		"TMPDIR=" + s.Folder,
	}
	slices.Sort(s.Environ)
	if diff := cmp.Diff(want, s.Environ); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestRunErrors(t *testing.T) {
	t.Run("a program that fails", func(t *testing.T) {
		_, err := Run(t.Context(), self(t), "fail")
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != 7 || !strings.HasPrefix(err.Error(), self(t)+": exit status 7: to standard error") ||
			strings.Contains(err.Error(), "output") || len(err.Error()) > stderrLimit+200 {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("both outputs in one", func(t *testing.T) {
		f, err := NewFolder()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Remove()
		if _, err := f.RunAll(t.Context(), self(t), "fail"); err == nil || !strings.Contains(err.Error(), "output") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("an ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Run(ctx, self(t), "look"); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("a name in the caller's folder", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if err := os.Symlink(self(t), "look"); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
		t.Setenv("PATH", ".")
		if _, err := Run(t.Context(), "look", "look"); !errors.Is(err, exec.ErrDot) {
			t.Errorf("error is %v", err)
		}
	})
}

// A folder for temporary files that is named relative to the caller's folder gives an absolute one.
func TestRelativeTemporaries(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("tmp", 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "tmp")
	f, err := NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(string(f)) {
		t.Errorf("folder %s", f)
	}
	if err := f.Write("x", []byte("y")); err != nil {
		t.Fatal(err)
	}
	if text, err := f.Read("x"); string(text) != "y" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir("tmp"); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}
