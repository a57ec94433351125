package runtime

import (
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/kernel"
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

// A Tensor is a part of a unit.
type Tensor struct {
	Name     string
	Elements int
	Shape    []uint64 // nil when the checkpoint does not tell
}

// A unit is a Unit with what it takes to decode it.
type unit struct {
	Unit
	path    string
	stream  codebook.Stream
	book    *codebook.Book
	bookErr error
	// prepare checks the stream and returns the decoder, built on first use.
	prepare func() (chunkDecoder, error)
}

// decodeWith sets the decoder of the unit, which units with the same code book share.
func (u *unit) decodeWith(decoder func() (chunkDecoder, error)) {
	u.prepare = sync.OnceValues(func() (chunkDecoder, error) {
		if err := u.stream.Validate(); err != nil {
			return nil, u.wrap(err)
		}
		if u.bookErr != nil {
			return nil, u.wrap(u.bookErr)
		}
		return decoder()
	})
}

// newDecoder returns what builds, once, the decoder of a code book: over the assembly d, in Go if it
// is nil.
func newDecoder(b *codebook.Book, d *kernel.Decoder) func() (chunkDecoder, error) {
	return sync.OnceValues(func() (chunkDecoder, error) {
		if d == nil {
			return newPortable(b, portableBits, kernel.EntrySymbols)
		}
		return newLanes(b, *d)
	})
}

// reference decodes chunk c as the specification does. Where it fails, its error is the unit's.
func (u *unit) reference(c int, dst []uint16) error {
	if err := codebook.DecodeChunk(u.book, &u.stream, c, dst); err != nil {
		return u.wrap(err)
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

// chunkOf returns the chunk that holds an element of a validated stream.
func (u *unit) chunkOf(element int) int {
	c, found := sort.Find(u.stream.Chunks(), func(c int) int {
		first, _ := u.stream.ChunkStart(c)
		return element - first
	})
	if !found {
		c--
	}
	return c
}
