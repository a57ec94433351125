//go:build !amd64 || purego

package emitted

import "github.com/seed54244801/bespoke/runtime/kernel"

func avx512() []kernel.Decoder { return nil }

func avx2() []kernel.Decoder { return nil }
