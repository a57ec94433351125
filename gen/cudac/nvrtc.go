package cudac

import (
	"context"
	_ "embed"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// driveNVRTC is the Python program that compiles with NVRTC: a library, which Python loads without any
// headers, and which comes with Python's packages for CUDA.
//
//go:embed nvrtc.py
var driveNVRTC string

// driven returns the arguments with which python runs the driver on files. Isolated (-I), it imports neither from the
// folder it runs in nor from the user's own packages, but from its own, those of a virtual environment included; it
// leaves no compiled modules behind (-B).
func driven(files ...string) []string {
	return append([]string{"-I", "-B", "-c", driveNVRTC}, files...)
}

func askNVRTC(ctx context.Context, python string) ([]byte, error) {
	return isolated.Run(ctx, python, driven()...)
}

func compileNVRTC(ctx context.Context, python string, folder isolated.Folder) ([]byte, error) {
	const out = "decode.ptx"
	if _, err := folder.Run(ctx, python, driven(sourceName, out)...); err != nil {
		return nil, err
	}
	ptx, err := folder.Read(out)
	if err != nil {
		return nil, err
	}
	assembler, err := FindAssembler(ctx)
	if err != nil {
		return ptx, ctx.Err()
	}
	return relabel(ctx, assembler.path, folder, ptx)
}
