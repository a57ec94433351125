package model

import "github.com/seed54244801/bespoke/internal/fault"

// A FaultError is a byte of a mapped file that could not be read: the file was cut short while it was open, or its
// disk failed.
type FaultError = fault.Error

// Guard calls f, which reads what a [File] maps, and returns its error, or one that wraps a [*FaultError] where f
// comes to a byte that cannot be read. Without a guard the program would end there. f ends as with a panic: it
// unlocks and gives back by defer what others wait for. A guard watches the goroutine that calls it, and none that f
// starts. Guards may be nested, and cost some tens of nanoseconds.
//
// Package model guards what it reads itself, package runtime what it decodes.
func Guard(f func() error) error { return fault.Guard(f) }
