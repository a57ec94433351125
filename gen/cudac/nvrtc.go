package cudac

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
)

// driveNVRTC is the Python program that compiles with NVRTC: a library, which Python loads without any
// headers, and which comes with Python's packages for CUDA.
//
//go:embed nvrtc.py
var driveNVRTC string

func askNVRTC(ctx context.Context, python string) ([]byte, error) {
	return run(ctx, "", python, "-c", driveNVRTC)
}

func compileNVRTC(ctx context.Context, python, folder string) ([]byte, error) {
	const out = "decode.ptx"
	if _, err := run(ctx, folder, python, "-c", driveNVRTC, sourceName, out); err != nil {
		return nil, err
	}
	ptx, err := os.ReadFile(filepath.Join(folder, out))
	if err != nil {
		return nil, err
	}
	assembler, err := FindAssembler(ctx)
	if err != nil {
		return ptx, ctx.Err()
	}
	return relabel(ctx, assembler.path, folder, ptx)
}
