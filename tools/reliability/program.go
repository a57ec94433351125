//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
)

// program returns a run of the go command, or of a script of the repository, whose errors are shown.
func program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	return cmd
}
