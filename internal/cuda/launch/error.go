package launch

import (
	"fmt"

	"github.com/seed54244801/bespoke/rans"
)

// An Error is what a kernel found wrong with a unit.
type Error struct {
	Cause Cause
	Unit  int  // the number that it was launched with, modulo 2^24
	Chunk int  // or the tile
	Tiles bool // it is a tile
}

func (e *Error) Error() string {
	part := "chunk"
	if e.Tiles {
		part = "tile"
	}
	return fmt.Sprintf("unit %d, %s %d: %s", e.Unit, part, e.Chunk, e.Cause)
}

// A Cause is the number that stands for a fault in the error word.
type Cause uint8

// The causes, as faults.cuh has them.
const (
	CodeUnknown  Cause = 1
	WindowEnd    Cause = 2
	ElementCount Cause = 3
	Sizes        Cause = 4
	StreamEnd    Cause = 5
	LaneEnd      Cause = 6
)

// The causes of kernels of package rans, as rans.cuh has them, beside Sizes.
const (
	StateStart Cause = 7
	WordsEnd   Cause = 8
	WordsLeft  Cause = 9
	StateEnd   Cause = 10
	SplitEnd   Cause = 11
	PatchPlace Cause = 12
)

// String describes the fault.
func (c Cause) String() string {
	switch c {
	case CodeUnknown:
		return "bits that no code begins with"
	case WindowEnd:
		return "the codes of a window do not end where the next window's begin"
	case ElementCount:
		return "the codes are not as many as the elements"
	case Sizes:
		return "the stream is longer than a unit's can be, or the matrix larger than the unit"
	case StreamEnd:
		return "the last code does not end in the last byte of the stream"
	case LaneEnd:
		return "the codes of a lane do not end where the next one's begin"
	}
	if text := ransCauses[c]; text != "" {
		return text
	}
	return fmt.Sprintf("fault %d", uint8(c))
}

var ransCauses = map[Cause]string{
	StateStart: rans.BadState.String(),
	WordsEnd:   rans.WordsEnd.String(),
	WordsLeft:  rans.WordsLeft.String(),
	StateEnd:   rans.BadEnd.String(),
	SplitEnd:   "the split does not end as the next one begins",
	PatchPlace: rans.BadPatch.String(),
}

// ParseError reads an error word: nil for 0. Whether it tells of a chunk or a tile depends on the kernel: see
// [Launch.ParseError].
func ParseError(word uint64) error {
	if word == 0 {
		return nil
	}
	return &Error{Cause: Cause(word >> 56), Unit: int(word >> 32 & 0xffffff), Chunk: int(uint32(word))}
}

// ParseError reads the error word of the kernel: nil for 0.
func (l *Launch) ParseError(word uint64) error {
	err := ParseError(word)
	if e, ok := err.(*Error); ok {
		e.Tiles = l.Tiles
	}
	return err
}
