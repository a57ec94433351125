//go:build !amd64 || purego

package cpu

import "github.com/seed54244801/bespoke/runtime/kernel"

// missingForAVX512 says what the decoder avx512 lacks here, "" for nothing.
func missingForAVX512() string { return "built without assembly" }

// missingForAVX2 says what the decoder avx2 lacks here, "" for nothing.
func missingForAVX2() string { return "built without assembly" }

// There is no assembly to decode with.
var anyWindows kernel.WindowDecoder

func anyLanes(*kernel.Job) { panic("cpu: built without assembly") }
