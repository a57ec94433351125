package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// Library compiles the source of kernels into a shared library for the stand-in driver, which looks
// up the entries and host_launch in it. There are no sanitizers: the library is loaded into a Go program. Path is
// absolute.
func Library(ctx context.Context, source []byte, path string) error {
	return cached("g++", libraryFlags, source, path, func() error { return library(ctx, source, path) })
}

var libraryFlags = []string{"-std=c++17", "-O2", "-g1", "-shared", "-fPIC"}

func library(ctx context.Context, source []byte, path string) error {
	folder, err := isolated.NewFolder()
	if err != nil {
		return err
	}
	defer folder.Remove()
	if err := os.CopyFS(string(folder), sources); err != nil {
		return err
	}
	const kernel = "kernel.cu"
	if err := folder.Write(kernel, source); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	_, err = folder.Run(ctx, "g++", append(slices.Clone(libraryFlags),
		"-x", "c++", "-include", filepath.Join("cpp", "host.h"), kernel, filepath.Join("cpp", "library.cpp"), "-o", path)...)
	return err
}
