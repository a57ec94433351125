//go:build amd64 && !purego

package rans

import "github.com/seed54244801/bespoke/internal/states"

// decodeExponentsAVX2 decodes four blocks of the form Exponent side by side.
//
//go:noescape
func decodeExponentsAVX2(job *states.Job)

// decodeJointAVX2 decodes four blocks of the form Joint side by side.
//
//go:noescape
func decodeJointAVX2(job *states.Job)
