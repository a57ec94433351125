package avo

import (
	"fmt"
	"go/token"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// A Program names one decoder and gives its shape.
type Program struct {
	// Name is the name of the function, a Go identifier.
	Name string
	// Form is how symbols are kept between lookup and merge: as bytes by AVX2 and BMI2 programs, in
	// slots by those that use AVX-512 with VBMI2 and BITALG besides.
	Form kernel.Form
	// TableBits is the number of bits that index the table, 8 to 13.
	TableBits int
	// MaxSymbols is the largest number of symbols in an entry of the table, 1 to
	// kernel.EntrySymbols.
	MaxSymbols int
	// SlowPath adds the search for codes longer than TableBits.
	SlowPath bool
	// Lanes is the number of runs of codes decoded side by side, 1 to what the general registers
	// hold: 5 with form Bytes, which takes two registers a lane, 8 with form Slots, which takes one.
	Lanes int
}

// DefaultTableBits makes a table of 16 KiB, which leaves half of a small first-level cache to the
// streams.
const (
	DefaultTableBits = codebook.TableBits

	minTableBits = 8
	maxTableBits = 13
)

// Forms lists the forms of programs.
func Forms() []kernel.Form { return []kernel.Form{kernel.Bytes, kernel.Slots} }

// MaxLanes is the largest number of lanes of a program, and the best one.
func MaxLanes(f kernel.Form) int {
	if f == kernel.Slots {
		return 8
	}
	return 5
}

// Validate reports the first parameter that is out of range.
func (p *Program) Validate() error {
	switch {
	case !token.IsIdentifier(p.Name):
		return fmt.Errorf("avo: %q is not a Go identifier", p.Name)
	case p.TableBits < minTableBits || p.TableBits > maxTableBits:
		return fmt.Errorf("avo: %s: table of %d bits, want %d to %d", p.Name, p.TableBits, minTableBits, maxTableBits)
	case p.MaxSymbols < 1 || p.MaxSymbols > kernel.EntrySymbols:
		return fmt.Errorf("avo: %s: %d symbols an entry, want 1 to %d", p.Name, p.MaxSymbols, kernel.EntrySymbols)
	case p.Form > kernel.Slots:
		return fmt.Errorf("avo: %s: form %d, want %d or %d", p.Name, p.Form, kernel.Bytes, kernel.Slots)
	case p.Lanes < 1 || p.Lanes > MaxLanes(p.Form):
		return fmt.Errorf("avo: %s: %d lanes, want 1 to %d", p.Name, p.Lanes, MaxLanes(p.Form))
	}
	if n, most := p.turnSymbols(), p.Form.TurnSymbols(); n > most {
		return fmt.Errorf("avo: %s: %d symbols a turn, the contract allows %d", p.Name, n, most)
	}
	if n := p.turnBytes(); n > kernel.TurnBytes {
		return fmt.Errorf("avo: %s: %d bytes a turn, the contract allows %d", p.Name, n, kernel.TurnBytes)
	}
	return nil
}

// lookups is the number of table lookups that one fill of the bit buffer feeds. A fill has 64 bits,
// of which up to 7 are used before and the lowest is the marker.
func (p *Program) lookups() int { return (64 - 7 - 1) / p.TableBits }

// turnLookups is the number of lookups of a turn in one lane: as many rounds as there are lanes or, with
// form Slots, as there are slots for.
func (p *Program) turnLookups() int {
	if p.Form == kernel.Slots {
		return kernel.TurnSlots / p.lookups() * p.lookups()
	}
	return p.Lanes * p.lookups()
}

// turnSymbols bounds the symbols that a turn yields in one lane: full entries. (A code of the slow path
// takes the place of an entry.)
func (p *Program) turnSymbols() int { return p.turnLookups() * p.MaxSymbols }

// turnBytes bounds the bytes by which a turn moves a source: full entries, for each refill one code of the
// slow path, and the bits that were used of the first byte.
func (p *Program) turnBytes() int {
	bits := 7 + p.turnLookups()*p.TableBits
	if p.SlowPath {
		bits += p.turnLookups() / p.lookups() * codebook.MaxLength
	}
	return bits / 8
}

// mergeVectors is the number of vectors that hold the symbols of a turn.
func (p *Program) mergeVectors() int {
	return (p.turnSymbols() + kernel.VectorSymbols - 1) / kernel.VectorSymbols
}

// refillRow is the row of lookups after which lane i is refilled. The lanes take turns at it: a refill
// is a long chain of instructions, which the lookups of other lanes hide.
func (p *Program) refillRow(i int) int { return i * p.lookups() / p.Lanes }

// lag is the number of rounds between a lane's change of halves and the merge of what it filled:
// long enough for the stores to have left the store buffer, which loads of other sizes wait for.
func (p *Program) lag() int { return min(3, p.Lanes-1) }

// TableDriven returns the shape of the decoder of a form that takes every code book.
func TableDriven(name string, f kernel.Form) Program {
	return Program{
		Name: name, Form: f,
		TableBits: DefaultTableBits, MaxSymbols: kernel.EntrySymbols, SlowPath: true, Lanes: MaxLanes(f),
	}
}

// For returns the decoder of a form that suits one book: the table-driven one, without the slow path where the
// table holds every code, and with entries for no more symbols than the shortest code lets them hold. Its
// name tells its shape, so books of one shape share a function.
func For(b *codebook.Book, f kernel.Form) Program {
	p := TableDriven("", f)
	p.SlowPath = b.MaxLength() > p.TableBits
	if n := b.MinLength(); n > 0 {
		p.MaxSymbols = max(1, min(p.MaxSymbols, p.TableBits/n))
	}
	p.Name = fmt.Sprintf("decode%dx%d", p.TableBits, p.MaxSymbols)
	if p.SlowPath {
		p.Name += "Long"
	}
	if f == kernel.Slots {
		p.Name += "Slots"
	}
	return p
}

// distinct returns the programs without repetitions.
func distinct(programs []Program) []Program {
	var once []Program
	for _, p := range programs {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}
