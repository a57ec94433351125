//go:build !unix

package main

import (
	"os"
	"syscall"
)

// writeSignals end a program, by default, that writes what cannot be written.
var writeSignals = []os.Signal{syscall.SIGPIPE}
