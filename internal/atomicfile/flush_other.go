//go:build !linux

package atomicfile

import "os"

// StartFlush lets the disk begin to write what was written to a file from offset on, n bytes, and does not
// wait for it. Commit will find less to do. It does nothing where the system cannot.
func StartFlush(f *os.File, offset, n int64) {}
