//go:build cuda

package standin

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/isolated"
)

//go:embed driver
var sources embed.FS

// folder holds the library and the modules of the process; [Run] removes it.
var folder = sync.OnceValue(func() isolated.Folder {
	f, err := isolated.NewFolder()
	if err != nil {
		panic(err)
	}
	return f
})

// Library returns the path of the driver library, compiled once for the process. The header cuda.h is
// the one that the program is built with: CPATH says where it lies.
var Library = sync.OnceValues(func() (string, error) {
	if err := os.CopyFS(string(folder()), sources); err != nil {
		return "", err
	}
	path := folder().Path("libcuda.so.1")
	args := []string{"-std=c++20", "-O1", "-g", "-Wall", "-shared", "-fPIC", "-I" + folder().Path("driver")}
	for _, include := range filepath.SplitList(os.Getenv("CPATH")) {
		args = append(args, "-I"+include)
	}
	// All files at once, as one.
	cmd := folder().Command(context.Background(), "g++", append(args, "-x", "c++", "-", "-o", path)...)
	cmd.Stdin = strings.NewReader("#include \"device.cpp\"\n#include \"memory.cpp\"\n#include \"module.cpp\"\n#include \"queue.cpp\"\n")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("standin: g++: %w: %.2000s", err, text)
	}
	return path, nil
})

// modules is the folder with the host code of images; see driver/module.cpp.
func modules() string { return folder().Path("modules") }

// An Image is what the driver is handed, and the source that it was compiled from.
type Image struct {
	Code   string // PTX, or a fatbin
	Source string // CUDA
	// Facts are what a driver reads from a fatbin, in the lines of driver/module.cpp; those of PTX are
	// read from the text.
	Facts string
}

var built sync.Map // the hash of a source to its func() error

// Provide compiles images for the host, so that the driver can load them. Each source is compiled
// once for the process.
func Provide(tb testing.TB, images ...Image) {
	tb.Helper()
	for _, image := range images {
		if err := provide(image); err != nil {
			tb.Fatalf("standin: %v", err)
		}
	}
}

func provide(image Image) error {
	if err := os.MkdirAll(modules(), 0o777); err != nil {
		return err
	}
	facts := image.Facts
	if facts == "" {
		var err error
		if facts, err = ptxFacts(image.Code); err != nil {
			return err
		}
	}
	library := filepath.Join(modules(), fmt.Sprintf("%x.so", sha256.Sum256([]byte(image.Source))))
	build, _ := built.LoadOrStore(library, sync.OnceValue(func() error {
		return host.Library(context.Background(), []byte(image.Source), library)
	}))
	if err := build.(func() error)(); err != nil {
		return err
	}
	h := fnv.New64a()
	h.Write([]byte(image.Code))
	base := filepath.Join(modules(), fmt.Sprintf("%016x", h.Sum64()))
	if err := os.WriteFile(base+".txt", []byte(facts), 0o666); err != nil {
		return err
	}
	if err := os.Symlink(library, base+".so"); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}
