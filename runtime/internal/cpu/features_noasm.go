//go:build !amd64 || purego

package cpu

import (
	"github.com/seed54244801/bespoke/internal/strands"
	"github.com/seed54244801/bespoke/internal/windows"
)

// Missing says what the decoders of a family lack on this machine, in this build, "" for nothing.
func Missing(family string) string {
	if family == Generic {
		return ""
	}
	return "built without assembly"
}

// There is no assembly to decode with.
var anyWindows windows.Decoder

func anyStrands(*strands.Job) { panic("cpu: built without assembly") }
