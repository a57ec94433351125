//go:build !amd64 || purego

package encode

// portable runs a test: there is no assembly.
func portable(test func()) { test() }
