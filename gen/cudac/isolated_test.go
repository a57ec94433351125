package cudac

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// writeScript writes an executable shell script.
func writeScript(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
}

// TestIsolation has scripts in place of every program that this package runs, each of which notes the folder and the
// environment it runs in, and calls them all from a folder and an environment with traps.
func TestIsolation(t *testing.T) {
	bin, hostile, log := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "log")
	note := fmt.Sprintf(`{ echo "program ${0##*/} $1"; echo "folder $PWD"; env; } >> '%s'`+"\n", log)
	for name, text := range map[string]string{
		"clang":   `[ "$1" = --version ] && echo clang version 99.1 || echo .version 6.0`,
		"nvcc":    `case "$1" in --version) echo V12.9.86 ;; --list-gpu-arch) echo compute_75 ;; *) echo .version 9.0 > decode.ptx ;; esac`,
		"python3": `[ "$1 $2 $3" = "-I -B -c" ] || exit 1; [ -f "$5" ] && echo .version 9.5 > "$6" || echo NVRTC 13.5`,
		"ptxas": `case "$1" in --version) echo V12.9.86 ;; --help) echo "'sm_75'" ;; -arch*) ;; *)
echo "Compiling entry function 'x'"; echo "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads"; echo Used 9 registers
echo cubin > decode.cubin ;; esac`,
		"fatbinary": `cat decode_75.elf decode_50.ptx > decode.fatbin`,
	} {
		writeScript(t, filepath.Join(bin, name), note+text)
		writeScript(t, filepath.Join(hostile, name), "touch '"+log+".trap'")
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	for _, name := range []string{"BESPOKE_PTXAS", "BESPOKE_FATBINARY", "BESPOKE_NVRTC"} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"PYTHONPATH", "PYTHONHOME", "CPATH", "CPLUS_INCLUDE_PATH", "NVCC_APPEND_FLAGS", "NVCC_PREPEND_FLAGS", "LD_PRELOAD_X"} {
		t.Setenv(name, "TRAP")
	}
	t.Chdir(hostile)

	for _, name := range []string{"clang", "nvcc", "python3"} {
		c, err := Find(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		ptx, err := c.PTX(t.Context(), []byte(probe))
		if err != nil {
			t.Fatal(err)
		}
		a, err := FindAssembler(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if fatbin, err := a.Fatbin(t.Context(), ptx); err != nil || !strings.HasPrefix(string(fatbin), "cubin\n//") {
			t.Fatalf("fatbin %q, %v", fatbin, err)
		}
	}

	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var ran []string
	folder := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "program "); ok {
			ran = append(ran, name)
		}
		if path, ok := strings.CutPrefix(line, "folder "); ok {
			if folder = path; folder == hostile {
				t.Errorf("%s ran in the folder of the caller", ran[len(ran)-1])
			}
			if _, err := os.Stat(folder); err == nil {
				t.Errorf("the folder of %s is still there", ran[len(ran)-1])
			}
		}
		if strings.Contains(line, "TRAP") {
			t.Errorf("%s got %s", ran[len(ran)-1], line)
		}
	}
	slices.Sort(ran)
	want := []string{
		"clang --version", "clang -x", "fatbinary --64", "nvcc --list-gpu-arch", "nvcc --version", "nvcc -ptx",
		"ptxas --help", "ptxas --version", "ptxas -arch=sm_75", "ptxas -v", "python3 -I",
	}
	if got := slices.Compact(ran); !slices.Equal(got, want) {
		t.Errorf("ran %q, want %q", got, want)
	}
	if _, err := os.Stat(log + ".trap"); err == nil {
		t.Error("a program of the caller's folder ran")
	}
}

// TestPythonIsolated runs the driver of NVRTC in a folder of traps, as if it were not kept from the caller's, by a
// Python for which further traps lie in the home folder: no module of theirs is imported.
func TestPythonIsolated(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		missing(t, "python3", err)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	site, err := exec.Command(python, "-c", "import site; print(site.getusersitepackages())").Output()
	if err != nil {
		t.Fatal(err)
	}
	user := strings.TrimSpace(string(site))
	if !strings.HasPrefix(user, home) {
		t.Fatalf("the user's packages are in %s", user)
	}
	traps := t.TempDir()
	executed := filepath.Join(t.TempDir(), "EXECUTED")
	trap := fmt.Appendf(nil, "open(%q, 'a').write(__file__ + '\\n')\n", executed)
	modules := []string{"glob", "ctypes/__init__", "importlib/__init__", "os", "nvidia/__init__", "sitecustomize", "usercustomize", "encodings/__init__"}
	for _, folder := range []string{traps, user} {
		for _, name := range modules {
			path := filepath.Join(folder, filepath.FromSlash(name)+".py")
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, trap, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	// That the traps work shows without isolation.
	cmd := exec.Command(python, "-c", driveNVRTC)
	cmd.Dir = traps
	_ = cmd.Run() // breaks, as the traps are no modules
	if _, err := os.Stat(executed); err != nil {
		t.Fatalf("the traps are none: %v", err)
	}
	if err := os.Remove(executed); err != nil {
		t.Fatal(err)
	}
	if _, err := isolated.Folder(traps).Run(t.Context(), python, driven()...); err != nil && !strings.Contains(err.Error(), "no NVRTC") {
		t.Error(err)
	}
	if who, err := os.ReadFile(executed); err == nil {
		t.Errorf("executed: %s", who)
	}
}

// A name is looked up in PATH but for its relative entries; a path is taken from the caller's folder.
func TestLookUp(t *testing.T) {
	t.Chdir(t.TempDir())
	writeScript(t, "tool", "")
	if err := os.Mkdir("bin", 0o777); err != nil {
		t.Fatal(err)
	}
	writeScript(t, filepath.Join("bin", "tool"), "")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, path, debug, want string
	}{
		{name: "tool", path: "."},
		{name: "tool", path: "bin"},
		{name: "tool", path: string(filepath.ListSeparator)},
		{name: "tool", path: "bin", debug: "execerrdot=0"},
		{name: "tool", path: filepath.Join(here, "bin"), want: filepath.Join(here, "bin", "tool")},
		{name: "./tool", path: "/", want: filepath.Join(here, "tool")},
	} {
		t.Run(tc.name+" in "+tc.path+tc.debug, func(t *testing.T) {
			t.Setenv("PATH", tc.path)
			t.Setenv("GODEBUG", tc.debug)
			got, err := lookUp(tc.name)
			if got != tc.want || (tc.want == "") != errors.Is(err, exec.ErrDot) {
				t.Errorf("found %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}
