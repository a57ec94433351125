package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/seed54244801/bespoke/internal/jsonedit"
	"github.com/seed54244801/bespoke/internal/ui"
)

// standardOutput is standard output. It keeps the first error of writing, because code that prints does not check
// errors. A standard output that is closed (>&-) gives no error: the Go runtime opens /dev/null in its place
// before main.
type standardOutput struct {
	w   io.Writer
	err error
}

func (o *standardOutput) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(b)
	if err != nil {
		o.err = &stdoutError{err}
	}
	return n, o.err
}

// stdoutError is an error of writing to standard output.
type stdoutError struct{ err error }

func (e *stdoutError) Error() string { return fmt.Sprintf("standard output: %v", e.err) }
func (e *stdoutError) Unwrap() error { return e.err }

// printf prints for people, unless they asked for quiet. The arguments may come from anywhere, so they are made
// printable.
func (a *app) printf(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stdout, format, ui.Arguments(args)...)
	}
}

// warn prints a warning, unless people asked for quiet.
func (a *app) warn(message string) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, "bespoke: %s\n", ui.Printable(message))
	}
}

// table prints a table for people.
func (a *app) table(t *ui.Table) error {
	if a.quiet {
		return nil
	}
	return t.Write(a.stdout, "  ")
}

// json prints for programs. Characters that are not printable are escaped, because the output may still go to a
// terminal.
func (a *app) json(v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := a.stdout.Write(jsonedit.Printable(text.Bytes()))
	return err
}
