package cudac

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// The lowest PTX that serves: version 6.0 has the warp shuffles that name their lanes.
const (
	isaVersion   = "6.0"
	architecture = "sm_50"
)

// sourceName is the name of the file that compilers see, whatever the caller's is.
const sourceName = "decode.cu"

// PTX compiles the source of a kernel, whose first line is a comment. The error of a compiler that
// fails ends with what it wrote to standard error.
func (c *Compiler) PTX(ctx context.Context, source []byte) ([]byte, error) {
	header, _, _ := bytes.Cut(source, []byte("\n"))
	if !bytes.HasPrefix(header, []byte("//")) {
		return nil, errors.New("cudac: the first line of the source is no comment")
	}
	folder, err := isolated.NewFolder()
	if err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	defer folder.Remove()
	if err := folder.Write(sourceName, source); err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	ptx, err := c.dialect.compile(ctx, c.path, folder)
	if err != nil {
		return nil, fmt.Errorf("cudac: %w", err)
	}
	return stamp(header, c.Version(), source, normalise(ptx)), nil
}

func compileClang(ctx context.Context, path string, folder isolated.Folder) ([]byte, error) {
	return folder.Run(ctx, path,
		"-x", "cuda", "--cuda-device-only", "--cuda-gpu-arch="+architecture,
		"-Xclang", "-target-feature", "-Xclang", "+ptx"+strings.ReplaceAll(isaVersion, ".", ""),
		"-nocudainc", "-nocudalib", "-Wno-unknown-cuda-version",
		"-std=c++17", "-O3", "-S", "-o", "-", sourceName)
}

func compileNVCC(ctx context.Context, path string, folder isolated.Folder) ([]byte, error) {
	arch, err := lowestArchitecture(ctx, path)
	if err != nil {
		return nil, err
	}
	const out = "decode.ptx"
	_, err = folder.Run(ctx, path, "-ptx", "-arch="+arch, "-std=c++17", "-O3",
		"-Wno-deprecated-gpu-targets", "-o", out, sourceName)
	if err != nil {
		return nil, err
	}
	ptx, err := folder.Read(out)
	if err != nil {
		return nil, err
	}
	return relabel(ctx, filepath.Join(filepath.Dir(path), "ptxas"), folder, ptx)
}

var architectureLine = regexp.MustCompile(`compute_(\d+)\b`)

// lowestArchitecture asks nvcc for the architectures that it compiles for.
func lowestArchitecture(ctx context.Context, path string) (string, error) {
	answer, err := isolated.Run(ctx, path, "--list-gpu-arch")
	if err != nil {
		return "", err
	}
	lowest := 0
	for _, m := range architectureLine.FindAllSubmatch(answer, -1) {
		if n, err := strconv.Atoi(string(m[1])); err == nil && n >= 50 && (lowest == 0 || n < lowest) {
			lowest = n
		}
	}
	if lowest == 0 {
		return "", fmt.Errorf("%s: no architecture in its --list-gpu-arch: %.80q", path, answer)
	}
	return fmt.Sprintf("compute_%d", lowest), nil
}

var (
	versionLine = regexp.MustCompile(`(?m)^\.version .*$`)
	targetLine  = regexp.MustCompile(`(?m)^\.target .*$`)
	// hintLine says which bytes of a vector load are used, from PTX 8.3 on.
	hintLine = regexp.MustCompile(`(?m)^\s*\.pragma "used_bytes_mask [^"]*";\n`)
)

// relabel lowers version and architecture of the PTX if the assembler, which knows what each
// instruction needs, still takes it without newer hints; otherwise the PTX stays as it was.
func relabel(ctx context.Context, ptxas string, folder isolated.Folder, ptx []byte) ([]byte, error) {
	low := versionLine.ReplaceAll(ptx, []byte(".version "+isaVersion))
	low = targetLine.ReplaceAll(low, []byte(".target "+architecture))
	low = hintLine.ReplaceAll(low, nil)
	const name = "low.ptx"
	if err := folder.Write(name, low); err != nil {
		return nil, err
	}
	if _, err := folder.Run(ctx, ptxas, "-arch=sm_75", "-o", "low.cubin", name); err != nil {
		return ptx, ctx.Err()
	}
	return low, nil
}
