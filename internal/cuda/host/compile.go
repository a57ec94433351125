package host

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed54244801/bespoke/internal/isolated"
	"github.com/seed54244801/bespoke/internal/testenv"
)

//go:embed cpp
var sources embed.FS

var flags = []string{
	// With -O1 to compile takes three times as long. The sanitizers find the same.
	"-std=c++17", "-Og", "-g1", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas",
	"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer",
}

// Compile compiles the source of kernels, see [Entry], and starts a process that runs it,
// which ends with the test. A test on a machine without a C++ compiler and its sanitizers is
// skipped, or fails when BESPOKE_REQUIRE names "cxx".
func Compile(tb testing.TB, source []byte) *Kernel {
	tb.Helper()
	tools, err := toolchain()
	if err != nil {
		if testenv.Required("cxx") {
			tb.Fatalf("host: %v", err)
		}
		tb.Skipf("host: %v", err)
	}
	k, err := tools.kernel(source)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Close)
	return k
}

// New is [Compile] for programs: the caller closes the kernel, and calls [Clean] in the end.
func New(source []byte) (*Kernel, error) {
	tools, err := toolchain()
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	return tools.kernel(source)
}

// kernel compiles a source.
func (t *tools) kernel(source []byte) (*Kernel, error) {
	program, err := t.link(source)
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	return &Kernel{program: program, folder: t.folder}, nil
}

// tools is a C++ compiler and a folder, removed by the last test, for what it makes.
type tools struct {
	compiler string
	folder   isolated.Folder
	driver   string // object file of driver.cpp

	programs sync.Map // of *program, by the SHA-256 of the source
}

// program is a kernel that is compiled once, by whoever asks for it first.
type program struct {
	once sync.Once
	path string
	err  error
}

// folder is where the toolchain of the process keeps what it makes, empty until it is asked for.
var folder isolated.Folder

// toolchain finds a compiler once for the process.
var toolchain = sync.OnceValues(func() (*tools, error) {
	var err error
	if folder, err = isolated.NewFolder(); err != nil {
		return nil, err
	}
	t := &tools{folder: folder, driver: folder.Path("driver.o")}
	if err := os.CopyFS(string(folder), sources); err != nil {
		return nil, err
	}
	return t, t.find()
})

// find takes the first compiler that links a program with sanitizers, and compiles the driver.
func (t *tools) find() error {
	const empty = "empty.cpp"
	if err := t.folder.Write(empty, []byte("int main() { return 0; }\n")); err != nil {
		return err
	}
	var tried []string
	for _, name := range []string{"g++", "clang++", "c++"} {
		path, err := exec.LookPath(name)
		if err != nil {
			tried = append(tried, name+": not found")
			continue
		}
		t.compiler = path
		if err := t.run(empty, "-o", "empty"); err != nil {
			tried = append(tried, err.Error())
			continue
		}
		return t.run("-c", filepath.Join("cpp", "driver.cpp"), "-o", t.driver)
	}
	return fmt.Errorf("no C++ compiler with sanitizers: %s", strings.Join(tried, "; "))
}

// link returns the path of a program that runs the kernel.
func (t *tools) link(source []byte) (string, error) {
	key := sha256.Sum256(source)
	found, _ := t.programs.LoadOrStore(key, new(program))
	p := found.(*program)
	p.once.Do(func() {
		p.path = t.folder.Path(fmt.Sprintf("kernel-%x", key[:8]))
		p.err = t.compile(source, p.path)
	})
	return p.path, p.err
}

func (t *tools) compile(source []byte, path string) error {
	return cached(t.compiler, flags, source, path, func() error { return t.build(source, path) })
}

func (t *tools) build(source []byte, path string) error {
	if err := os.WriteFile(path+".cu", source, 0o666); err != nil {
		return err
	}
	header := filepath.Join("cpp", "host.h")
	if err := t.run("-x", "c++", "-include", header, "-c", path+".cu", "-o", path+".o"); err != nil {
		return err
	}
	return t.run(path+".o", t.driver, "-o", path)
}

func (t *tools) run(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	args = slices.Concat(flags, args)
	_, err := t.folder.Run(ctx, t.compiler, args...)
	return err
}

// Main runs the tests of a package that uses Compile and then removes what it compiled.
func Main(m *testing.M) {
	code := m.Run()
	Clean()
	os.Exit(code)
}

// Clean removes what was compiled. Nothing is to be compiled or launched afterwards.
func Clean() {
	if folder != "" {
		folder.Remove()
	}
}
