// Command bespoke compresses the weights of bfloat16 models without loss and generates decoders cut for
// each of them. See "bespoke help".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
)

// Exit codes. A signal ends the program with exitSignal and its number, as a shell has it.
const (
	exitFailure = 1
	exitUsage   = 2
	exitSignal  = 128
)

func main() {
	code := run(untilSignal(context.Background()), os.Args[1:], os.Stdout, os.Stderr)
	if err := os.Stdout.Close(); err != nil && code == 0 { // some file systems report a full disk here
		code = fail(os.Stderr, &stdoutError{err})
	}
	os.Exit(code)
}

// run runs the command line and returns the exit code. An error is one line on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &standardOutput{w: stdout}
	root := newRoot(&app{stdout: out, stderr: stderr})
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		what := "nothing was written"
		if errors.Is(err, checkpoint.ErrKept) {
			what = "--resume goes on from here"
		}
		fmt.Fprintf(stderr, "bespoke: interrupted, %s\n", what)
		return exitSignal + signalOf(ctx)
	case err != nil:
		return fail(stderr, err)
	case out.err != nil:
		return fail(stderr, out.err)
	}
	return 0
}

// fail prints an error and returns the exit code for it.
func fail(stderr io.Writer, err error) int {
	if _, ok := errors.AsType[*stdoutError](err); ok && errors.Is(err, syscall.EPIPE) {
		return exitSignal + int(syscall.SIGPIPE) // whoever read has had enough: no reason to speak of it
	}
	fmt.Fprintf(stderr, "bespoke: %s%s\n", ui.Printable(strings.ReplaceAll(err.Error(), "\n", "; ")), hintFor(err))
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}
