//go:build amd64 && !purego

package rans

import "github.com/seed54244801/bespoke/internal/states"

// decodeExponents decodes four blocks of the form Exponent side by side, of one table.
//
//go:noescape
func decodeExponents(job *states.Job)

// decodeExponentsMixed is decodeExponents for blocks of any tables.
//
//go:noescape
func decodeExponentsMixed(job *states.Job)

// multiplyExponents multiplies with four blocks of the form Exponent side by side, of one table.
//
//go:noescape
func multiplyExponents(job *states.ProductJob)

// multiplyJoint multiplies with four blocks of the form Joint side by side, of one table.
//
//go:noescape
func multiplyJoint(job *states.ProductJob)

// decodeJoint decodes four blocks of the form Joint side by side, of one table.
//
//go:noescape
func decodeJoint(job *states.Job)

// decodeJointMixed is decodeJoint for blocks of any tables.
//
//go:noescape
func decodeJointMixed(job *states.Job)
