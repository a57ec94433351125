//go:build cuda

package gpu

import (
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// An Error is a call of the driver that failed.
type Error struct {
	Device int    // its ordinal
	Doing  string // for example "allocate 1024 bytes for weights"
	Err    error  // a driver.Result
}

// Error names device, deed and result.
func (e *Error) Error() string { return fmt.Sprintf("device %d: %s: %v", e.Device, e.Doing, e.Err) }

// Unwrap returns the driver's result.
func (e *Error) Unwrap() error { return e.Err }

// IsOutOfMemory reports whether a device, or pinned memory, had too little left.
func IsOutOfMemory(err error) bool { return errors.Is(err, driver.OutOfMemory) }

// isUnsuitable reports whether an image failed to load because it is not for this device or driver, so that another one
// may serve.
func isUnsuitable(err error) bool {
	for _, r := range []driver.Result{driver.InvalidImage, driver.NoBinaryForGPU, driver.InvalidPTX, driver.UnsupportedVersion} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}
