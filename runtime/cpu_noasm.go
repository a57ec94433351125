//go:build !amd64 || purego

package runtime

import "github.com/seed54244801/bespoke/runtime/kernel"

// missingForAVX2 says what the decoder avx2 lacks here, "" for nothing.
func missingForAVX2() string { return "built without assembly" }

// avx2 lists the assembly decoders that take every code book.
func avx2() []kernel.Decoder { return nil }
