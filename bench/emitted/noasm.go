//go:build !amd64 || purego

package emitted

import "github.com/seed54244801/bespoke/runtime/kernel"

func avx512() []kernel.WindowDecoder { return nil }
