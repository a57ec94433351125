package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/seed54244801/bespoke/internal/ui"
)

// standardOutput is standard output, and keeps the first error of writing to it: where text is printed nobody
// asks. One that is closed (>&-) gives none: the Go runtime opens /dev/null in its place before main.
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

// printf prints for people, unless they asked for quiet.
func (a *app) printf(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stdout, format, args...)
	}
}

// table prints a table for people.
func (a *app) table(t *ui.Table) error {
	if a.quiet {
		return nil
	}
	return t.Write(a.stdout, "  ")
}

// json prints for programs.
func (a *app) json(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
