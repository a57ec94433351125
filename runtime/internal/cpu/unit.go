package cpu

import (
	"sort"
	"sync"
	"sync/atomic"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// A Unit is a coded unit and its decoder. All methods may be called from several goroutines at once.
type Unit struct {
	*coded.Unit
	decoder func() Decoder // makes it on first use; units with the same code book share it

	checking sync.Mutex
	checked  atomic.Pointer[checkedUnit] // the result of the first prepare
}

// NewUnit returns a unit that is decoded with the decoder that the function decoder returns. The unit is not read,
// and the function is not called, before the first call of a method.
func NewUnit(u *coded.Unit, decoder func() Decoder) *Unit {
	return &Unit{Unit: u, decoder: decoder}
}

// A checkedUnit is a unit that can be decoded, or one that cannot be, and the error that says why.
type checkedUnit struct {
	*coded.Unit
	stream  *stream
	decoder Decoder
	err     error
}

// Prepare checks the stream of the unit when it is called for the first time. Later calls return the same error. A
// fault of mapped memory is left to the caller's fault.Guard, and the next call checks the stream again.
func (u *Unit) Prepare() error {
	_, err := u.prepare()
	return err
}

// prepare is Prepare, and returns the checked unit.
func (u *Unit) prepare() (*checkedUnit, error) {
	c := u.checked.Load()
	if c == nil {
		c = u.check()
	}
	return c, c.err
}

// check checks the unit, unless another goroutine has done so.
func (u *Unit) check() *checkedUnit {
	u.checking.Lock()
	defer u.checking.Unlock()
	if c := u.checked.Load(); c != nil {
		return c
	}
	c := &checkedUnit{Unit: u.Unit}
	var err error
	if c.stream, err = newStream(u.Stream); err == nil {
		err = u.BookErr
	}
	if err == nil {
		c.decoder = u.decoder()
	} else {
		c.err = u.Wrap(err)
	}
	u.checked.Store(c)
	return c
}

// reference decodes chunk c with the reference decoder. If that fails, its error is the unit's.
func (u *checkedUnit) reference(c int, dst []uint16) error {
	element, bit := u.stream.ChunkStart(c)
	element, bit, cause := codebook.DecodeRun(u.Book, &u.stream.Stream, element, bit, dst)
	if cause == 0 && len(dst) > 0 && !u.stream.EndsAt(c, bit) {
		cause = codebook.CountMismatch
	}
	if cause != 0 {
		return u.Wrap(&codebook.StreamError{Chunk: c, Element: element, Bit: bit, Cause: cause})
	}
	return nil
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
