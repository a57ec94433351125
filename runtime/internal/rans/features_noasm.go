//go:build !amd64 || purego

package rans

import (
	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// together returns nil: there is no assembly.
func together(rans.Form, string) states.Decoder { return nil }
