//go:build !amd64 || purego

package runtime

import "github.com/seed54244801/bespoke/runtime/kernel"

// missingForAVX512 says what the decoder avx512 lacks here, "" for nothing.
func missingForAVX512() string { return "built without assembly" }

// missingForAVX2 says what the decoder avx2 lacks here, "" for nothing.
func missingForAVX2() string { return "built without assembly" }

// avx512 and avx2 list the assembly decoders that take every code book.
func avx512() []kernel.Decoder { return nil }

func avx2() []kernel.Decoder { return nil }
