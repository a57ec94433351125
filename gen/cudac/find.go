package cudac

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// A Compiler turns CUDA C++ into PTX.
type Compiler struct {
	path    string
	version string
	dialect dialect
}

// dialect is what differs between the families of compilers.
type dialect struct {
	name    string
	ask     func(ctx context.Context, path string) (answer []byte, err error) // for the version
	version *regexp.Regexp                                                    // in the answer
	compile func(ctx context.Context, path string, folder isolated.Folder) ([]byte, error)
}

// Version names the compiler and its version: "clang 14.0.6".
func (c *Compiler) Version() string { return c.dialect.name + " " + c.version }

// Path returns the compiler's executable.
func (c *Compiler) Path() string { return c.path }

var (
	nvcc  = dialect{"nvcc", askVersion, regexp.MustCompile(`\bV(\d[\w.]*)`), compileNVCC}
	clang = dialect{"clang", askVersion, regexp.MustCompile(`\bclang version (\d[\w.]*)`), compileClang}
	nvrtc = dialect{"NVRTC", askNVRTC, regexp.MustCompile(`\bNVRTC (\d[\w.]*)`), compileNVRTC}
)

func askVersion(ctx context.Context, path string) ([]byte, error) {
	return isolated.Run(ctx, path, "--version")
}

// dialectOf tells the family of a compiler from the name of its executable.
func dialectOf(path string) dialect {
	switch name := filepath.Base(path); {
	case strings.Contains(name, "nvcc"):
		return nvcc
	case strings.Contains(name, "python"):
		return nvrtc
	}
	return clang
}

// probe is the smallest kernel.
const probe = `// probe
#if defined(__clang__)
#define __global__ __attribute__((global))
#endif
extern "C" __global__ void probe(int *p) { *p = 1; }
`

// Find returns the first usable compiler: nvcc in PATH, then in the usual place of a CUDA toolkit, then clang with
// its NVPTX back end, newest version first behind the plain name, then NVRTC as python3 finds it, or the Python that
// the environment variable BESPOKE_NVRTC names. Given paths, it looks at those alone.
// Its error says what was wrong with each candidate; when ctx ends, it is that of ctx.
func Find(ctx context.Context, paths ...string) (*Compiler, error) {
	explicit := len(paths) > 0
	if !explicit {
		paths = candidates()
	}
	var tried []string
	for _, name := range paths {
		path, err := lookUp(name)
		if err != nil {
			if explicit {
				tried = append(tried, fmt.Sprintf("%s: %v", name, errors.Unwrap(err)))
			}
			continue
		}
		c, err := open(ctx, path)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		tried = append(tried, err.Error())
	}
	if len(tried) == 0 {
		return nil, errors.New("cudac: no CUDA compiler: neither nvcc nor clang nor python3 found")
	}
	return nil, fmt.Errorf("cudac: no CUDA compiler: %s", strings.Join(tried, "; "))
}

// lookUp returns the absolute path of a program, as programs run in a folder of their own. A name is looked up in PATH,
// whose relative entries do not count: the caller's folder may be anybody's. A path is the caller's word.
func lookUp(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	if filepath.Base(name) == name && !filepath.IsAbs(path) { // should GODEBUG let it pass
		return "", &exec.Error{Name: name, Err: exec.ErrDot}
	}
	return filepath.Abs(path)
}

// candidates lists the names and places of compilers, best first.
func candidates() []string {
	paths := []string{"nvcc", "/usr/local/cuda/bin/nvcc", "clang++", "clang"}
	for v := 30; v >= 14; v-- {
		paths = append(paths, fmt.Sprintf("clang++-%d", v), fmt.Sprintf("clang-%d", v))
	}
	return append(paths, cmp.Or(os.Getenv("BESPOKE_NVRTC"), "python3"))
}

// open asks the compiler for its version and has it compile a trivial kernel.
func open(ctx context.Context, path string) (*Compiler, error) {
	d := dialectOf(path)
	answer, err := d.ask(ctx, path)
	if err != nil {
		return nil, err
	}
	m := d.version.FindSubmatch(answer)
	if m == nil {
		return nil, fmt.Errorf("%s: not %s by what it says of its version: %.80q", path, d.name, answer)
	}
	c := &Compiler{path: path, version: string(m[1]), dialect: d}
	if _, err := c.PTX(ctx, []byte(probe)); err != nil {
		return nil, err
	}
	return c, nil
}
