package avo

import (
	"fmt"
	"go/token"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/strands"
)

const (
	// rowsOfLookups is the number of table lookups in a strand between two refills. A refill yields 64 bits, of which
	// at most 7 are used already and the lowest is the marker.
	rowsOfLookups = (64 - 7 - 1) / lookup.TableBits

	// turnLookups is the number of lookups of a turn in one strand: a turn has as many rounds as there are strands.
	turnLookups = strands.Count * rowsOfLookups

	// turnSymbols bounds the symbols that a turn decodes of one strand. A code of the slow path takes the place of a
	// table entry.
	turnSymbols = turnLookups * lookup.EntrySymbols

	// turnBytes bounds the bytes by which a turn moves a source. They hold the used bits of the first byte, full
	// table entries, and one code of the slow path for each refill.
	turnBytes = (7 + turnLookups*lookup.TableBits + strands.Count*codebook.MaxLength) / 8

	// mergeVectors is the number of vectors that hold the symbols of a turn.
	mergeVectors = (turnSymbols + strands.VectorSymbols - 1) / strands.VectorSymbols

	// lag is the number of rounds between a strand's change of halves and the merge of the half that it filled. By
	// then the stores have left the store buffer. Loads of another size would have to wait for them.
	lag = 3
)

// The contract with the caller allows at least as much. These constants would be negative otherwise.
const (
	_ uint = strands.TurnSymbols - turnSymbols
	_ uint = strands.TurnBytes - turnBytes
)

// refillRow is the row of lookups after which strand i is refilled. It is another one for each strand: a refill is
// a long chain of instructions, and the lookups of the other strands fill the time in which it waits.
func refillRow(i int) int { return i * rowsOfLookups / strands.Count }

// validateName reports a name that is not a Go identifier.
func validateName(name string) error {
	if !token.IsIdentifier(name) {
		return fmt.Errorf("avo: %q is not a Go identifier", name)
	}
	return nil
}
