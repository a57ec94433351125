//go:build !amd64 || purego

package rans

import (
	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// assembly returns nil: there is none.
func assembly(rans.Form) states.Encoder { return nil }
