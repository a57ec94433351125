package isolated

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"time"
)

// stderrLimit bounds how much of a program's standard error an error repeats.
const stderrLimit = 2000

// waitDelay is how long the children of a killed program may hold its output open.
const waitDelay = 2 * time.Second

// Command returns the command that runs a program in the folder until ctx ends. The program is an absolute path or a
// name to look up in PATH.
func (f Folder) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = string(f)
	cmd.Env = f.Environ()
	cmd.WaitDelay = waitDelay
	return cmd
}

// Run runs a program in the folder and returns its standard output. If the program fails, the error names it and
// ends with its standard error. If ctx ends, the error is that of ctx.
func (f Folder) Run(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := f.Command(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return stdout.Bytes(), fail(ctx, program, err, &stderr)
}

// RunAll is Run, with standard output and standard error in one.
func (f Folder) RunAll(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := f.Command(ctx, program, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	return said.Bytes(), fail(ctx, program, err, &said)
}

// Run runs a program in a folder of its own.
func Run(ctx context.Context, program string, args ...string) ([]byte, error) {
	f, err := NewFolder()
	if err != nil {
		return nil, err
	}
	defer f.Remove()
	return f.Run(ctx, program, args...)
}

// fail returns the error of a program.
func fail(ctx context.Context, program string, err error, said *bytes.Buffer) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", program, ctx.Err())
	}
	words := bytes.TrimSpace(said.Bytes())
	return fmt.Errorf("%s: %w: %s", program, err, words[:min(len(words), stderrLimit)])
}
