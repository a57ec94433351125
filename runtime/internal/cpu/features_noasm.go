//go:build !amd64 || purego

package cpu

import (
	"github.com/seed54244801/bespoke/internal/lanes"
	"github.com/seed54244801/bespoke/internal/windows"
)

// missingForAVX512 says what the decoder avx512 lacks here, "" for nothing.
func missingForAVX512() string { return "built without assembly" }

// missingForAVX2 says what the decoder avx2 lacks here, "" for nothing.
func missingForAVX2() string { return "built without assembly" }

// There is no assembly to decode with.
var anyWindows windows.Decoder

func anyLanes(*lanes.Job) { panic("cpu: built without assembly") }
