//go:build amd64 && !purego

package rans

import "github.com/seed54244801/bespoke/internal/states"

// decodeExponents decodes four blocks of the form Exponent side by side.
//
//go:noescape
func decodeExponents(job *states.Job)

// multiplyExponents multiplies with four blocks of the form Exponent side by side.
//
//go:noescape
func multiplyExponents(job *states.ProductJob)

// multiplyJoint multiplies with four blocks of the form Joint side by side.
//
//go:noescape
func multiplyJoint(job *states.ProductJob)

// decodeJoint decodes four blocks of the form Joint side by side.
//
//go:noescape
func decodeJoint(job *states.Job)
