//go:build !amd64 || purego

package product

import "github.com/seed54244801/bespoke/internal/product"

// kernels returns nil: there is no assembly.
func kernels() []product.Kernel { return nil }
