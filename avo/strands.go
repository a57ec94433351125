package avo

import (
	"fmt"
	"go/token"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lanes"
	"github.com/seed54244801/bespoke/internal/lookup"
)

// Lanes names a decoder of lanes, for AVX2, and gives its shape: see package internal/lanes.
type Lanes struct {
	// Name is the name of the function, a Go identifier.
	Name string
	// TableBits is the number of bits that index the table, 8 to 13.
	TableBits int
	// MaxSymbols is the largest number of symbols in an entry of the table, 1 to
	// lookup.EntrySymbols.
	MaxSymbols int
	// Lanes is the number of runs of codes decoded side by side, 1 to lanes.MaxLanes: a lane takes two general
	// registers.
	Lanes int
}

const (
	minTableBits = 8
	maxTableBits = 13
)

// AnyLanes returns the decoder of lanes that takes every code book. Its table of 16 KiB leaves half of a small
// first-level cache to the streams.
func AnyLanes(name string) Lanes {
	return Lanes{Name: name, TableBits: codebook.TableBits, MaxSymbols: lookup.EntrySymbols, Lanes: lanes.MaxLanes}
}

// Validate reports the first parameter that is out of range.
func (p *Lanes) Validate() error {
	switch {
	case !token.IsIdentifier(p.Name):
		return fmt.Errorf("avo: %q is not a Go identifier", p.Name)
	case p.TableBits < minTableBits || p.TableBits > maxTableBits:
		return fmt.Errorf("avo: %s: table of %d bits, want %d to %d", p.Name, p.TableBits, minTableBits, maxTableBits)
	case p.MaxSymbols < 1 || p.MaxSymbols > lookup.EntrySymbols:
		return fmt.Errorf("avo: %s: %d symbols an entry, want 1 to %d", p.Name, p.MaxSymbols, lookup.EntrySymbols)
	case p.Lanes < 1 || p.Lanes > lanes.MaxLanes:
		return fmt.Errorf("avo: %s: %d lanes, want 1 to %d", p.Name, p.Lanes, lanes.MaxLanes)
	}
	if n := p.turnSymbols(); n > lanes.TurnSymbols {
		return fmt.Errorf("avo: %s: %d symbols a turn, the contract allows %d", p.Name, n, lanes.TurnSymbols)
	}
	if n := p.turnBytes(); n > lanes.TurnBytes {
		return fmt.Errorf("avo: %s: %d bytes a turn, the contract allows %d", p.Name, n, lanes.TurnBytes)
	}
	return nil
}

// lookups is the number of table lookups that one fill of the bit buffer feeds. A fill has 64 bits,
// of which up to 7 are used before and the lowest is the marker.
func (p *Lanes) lookups() int { return (64 - 7 - 1) / p.TableBits }

// turnLookups is the number of lookups of a turn in one lane: as many rounds as there are lanes.
func (p *Lanes) turnLookups() int { return p.Lanes * p.lookups() }

// turnSymbols bounds the symbols that a turn yields in one lane: full entries. (A code of the slow path
// takes the place of an entry.)
func (p *Lanes) turnSymbols() int { return p.turnLookups() * p.MaxSymbols }

// turnBytes bounds the bytes by which a turn moves a source: full entries, for each refill one code of the
// slow path, and the bits that were used of the first byte.
func (p *Lanes) turnBytes() int {
	return (7 + p.turnLookups()*p.TableBits + p.Lanes*codebook.MaxLength) / 8
}

// mergeVectors is the number of vectors that hold the symbols of a turn.
func (p *Lanes) mergeVectors() int {
	return (p.turnSymbols() + lanes.VectorSymbols - 1) / lanes.VectorSymbols
}

// refillRow is the row of lookups after which lane i is refilled. The lanes take turns at it: a refill
// is a long chain of instructions, which the lookups of other lanes hide.
func (p *Lanes) refillRow(i int) int { return i * p.lookups() / p.Lanes }

// lag is the number of rounds between a lane's change of halves and the merge of what it filled:
// long enough for the stores to have left the store buffer, which loads of other sizes wait for.
func (p *Lanes) lag() int { return min(3, p.Lanes-1) }
