//go:build !amd64 || purego

package product

// families returns nil: there is no assembly.
func families() []family { return nil }
