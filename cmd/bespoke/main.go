// Command bespoke compresses the weights of bfloat16 models without loss and generates decoders cut for
// each of them. See "bespoke help".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/model"
)

// Exit codes. For a signal the code is exitSignal plus the number of the signal, as in a shell.
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
		return exitSignal + int(syscall.SIGPIPE) // the reader has stopped reading, so nothing is said
	}
	fmt.Fprintf(stderr, "bespoke: %s%s\n", ui.Printable(strings.ReplaceAll(err.Error(), "\n", "; ")), hintFor(err))
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}

// An interruption is the cause of a context that was ended by a signal.
type interruption struct{ signal os.Signal }

func (i *interruption) Error() string { return i.signal.String() }

// untilSignal returns a context that ends with the first SIGINT, SIGTERM or SIGHUP. Signals that the program was
// started to ignore, as by nohup, do not count. A second signal ends the program at once. A broken pipe is only an
// error of the write.
func untilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		s := <-signals
		signal.Stop(signals)
		cancel(&interruption{s})
	}()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // ignoring the signal would be different: child processes inherit that
	return ctx
}

// signalOf returns the number of the signal that ended a context. If something else ended it, that is the number
// of SIGINT.
func signalOf(ctx context.Context) int {
	if i, ok := errors.AsType[*interruption](context.Cause(ctx)); ok {
		if s, ok := i.signal.(syscall.Signal); ok {
			return int(s)
		}
	}
	return int(syscall.SIGINT)
}

// hintFor returns what to add to the line of an error: the flag with which the command goes on.
func hintFor(err error) string {
	_, index := errors.AsType[*model.WeightMapError](err)
	_, missing := errors.AsType[*model.MissingError](err)
	switch {
	case errors.Is(err, checkpoint.ErrOutputExists):
		return ", --force replaces it"
	case errors.Is(err, checkpoint.ErrUnknownFile):
		return "; --skip-unknown-files leaves such files out"
	case index:
		return "; --ignore-index takes the folder without its index"
	case missing:
		return "; --incomplete goes on with what is there"
	}
	return ""
}
