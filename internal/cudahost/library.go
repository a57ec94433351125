package cudahost

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Library compiles the source of kernels into a shared library for the stand-in driver, which looks
// up the entries and cudahost_launch in it. There are no sanitizers: the library is loaded into a Go program.
func Library(ctx context.Context, source []byte, path string) error {
	folder, err := os.MkdirTemp("", "cudahost")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.CopyFS(folder, sources); err != nil {
		return err
	}
	kernel := filepath.Join(folder, "kernel.cu")
	if err := os.WriteFile(kernel, source, 0o666); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	host := filepath.Join(folder, "host")
	cmd := exec.CommandContext(ctx, "g++", "-std=c++17", "-O2", "-g", "-shared", "-fPIC",
		"-x", "c++", "-include", filepath.Join(host, "cudahost.h"), kernel, filepath.Join(host, "library.cpp"), "-o", path)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("g++: %w: %.2000s", err, text)
	}
	return nil
}
