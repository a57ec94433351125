//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
)

// program returns a command that runs the go command or a script of the repository, and shows its errors.
func program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	return cmd
}
