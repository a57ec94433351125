//go:build !amd64 || purego

package rans

import (
	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// countWhole counts nothing: all is left to portable Go.
func countWhole(*[512]uint64, []byte) int { return 0 }

// encoders returns nothing: there is no assembly.
func encoders(rans.Form) []states.Encoder { return nil }
