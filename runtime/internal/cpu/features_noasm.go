//go:build !amd64 || purego

package cpu

import (
	"github.com/seed54244801/bespoke/internal/strands"
	"github.com/seed54244801/bespoke/internal/windows"
)

// Missing says what a family of decoders lacks on this machine and in this build. It is "" if the family can be used.
func Missing(family string) string {
	if family == Generic {
		return ""
	}
	return "built without assembly"
}

// anyWindows is nil in builds without assembly.
var anyWindows windows.Decoder

func anyStrands(*strands.Job) { panic("cpu: built without assembly") }
