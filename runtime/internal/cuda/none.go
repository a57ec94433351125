//go:build !cuda

package cuda

// Available says that this build has no GPUs.
func Available() (ok bool, reason string) { return false, "not built in" }

// Open is never called, because no GPUs are available.
func Open(*Config) (GPUs, string, error) { panic("unreachable: not built in") }

// List returns no GPUs in this build.
func List() ([]Description, error) { return nil, nil }
