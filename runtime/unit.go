package runtime

import (
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/seed54244801/bespoke/codebook"
)

// A Unit is what one stream of the checkpoint covers: a module or the linear layers of a block, one
// after another.
type Unit struct {
	Name     string
	Elements int
	Tensors  []Tensor // in the order of their weights in the unit
	// Book is the fingerprint of the unit's code book, zero when the file holds no valid one.
	Book codebook.Fingerprint
}

// A unit is a Unit with what it takes to decode it.
type unit struct {
	Unit
	tensors []coded // in the order of Tensors
	path    string
	stream  codebook.Stream // as it lies in the file, but for the luts
	book    *codebook.Book
	bookErr error
	decoder func() (chunkDecoder, error) // built on first use; units with the same code book share it

	checking sync.Mutex
	checked  atomic.Pointer[checkedUnit] // what the first prepare came to
}

// A coded is where a tensor lies in its unit: the elements [from, to).
type coded struct {
	from, to int
	sum      *knownSum // nil where the checkpoint has none
}

// A checkedUnit is a unit that can be decoded, or why it cannot be.
type checkedUnit struct {
	*unit
	stream  *stream
	decoder chunkDecoder
	err     error
}

// prepare checks the stream of the unit, the first time, and returns what it takes to decode it. An error is that of
// the unit for good; a fault is the caller's, who may try again.
func (u *unit) prepare() (*checkedUnit, error) {
	c := u.checked.Load()
	if c == nil {
		c = u.check()
	}
	return c, c.err
}

// check is prepare for the first time.
func (u *unit) check() *checkedUnit {
	u.checking.Lock()
	defer u.checking.Unlock()
	if c := u.checked.Load(); c != nil {
		return c
	}
	c := &checkedUnit{unit: u}
	var err error
	if c.stream, err = newStream(u.stream); err == nil {
		err = u.bookErr
	}
	if err == nil {
		c.decoder, err = u.decoder()
	}
	if err != nil {
		c.err = u.wrap(err)
	}
	u.checked.Store(c)
	return c
}

// reference decodes chunk c as the specification does. Where it fails, its error is the unit's.
func (u *checkedUnit) reference(c int, dst []uint16) error {
	element, bit := u.stream.ChunkStart(c)
	element, bit, cause := codebook.DecodeRun(u.book, &u.stream.Stream, element, bit, dst)
	if cause == 0 && len(dst) > 0 && !u.stream.EndsAt(c, bit) {
		cause = codebook.CountMismatch
	}
	if cause != 0 {
		return u.wrap(&codebook.StreamError{Chunk: c, Element: element, Bit: bit, Cause: cause})
	}
	return nil
}

// wrap names file and unit in an error.
func (u *unit) wrap(err error) error {
	return fmt.Errorf("runtime: %s: unit %q: %w", u.path, u.Name, err)
}

// public returns a copy of the description of the unit.
func (u *unit) public() Unit {
	c := u.Unit
	c.Tensors = slices.Clone(u.Tensors)
	return c
}

// chunkOf returns the chunk that holds an element.
func (u *checkedUnit) chunkOf(element int) int {
	c, found := sort.Find(u.stream.Chunks(), func(c int) int {
		first, _ := u.stream.ChunkStart(c)
		return element - first
	})
	if !found {
		c--
	}
	return c
}
