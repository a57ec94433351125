//go:build !amd64 || purego

package shapes

import "github.com/seed54244801/bespoke/runtime/kernel"

func avx512() []kernel.WindowDecoder { return nil }
