//go:build !linux

package atomicfile

import "os"

// StartFlush lets the disk begin to write n bytes of a file from offset on, and does not wait for it. Commit will
// then have less to do. Where the system cannot do this, StartFlush does nothing.
func StartFlush(f *os.File, offset, n int64) {}
