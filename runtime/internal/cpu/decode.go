package cpu

import (
	"context"

	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// Decode writes a span of the unit to dst, with at most the given number of goroutines. The span has one element or
// more. It reports the decoded elements to the check. If it has no error of its own, it returns the error of the
// check.
func (u *Unit) Decode(ctx context.Context, span coded.Span, workers int, dst []uint16, check *coded.Check) error {
	c, err := u.prepare()
	if err != nil {
		return err
	}
	s, from, to := c.stream, span.From, span.To
	first, end := c.chunkOf(from), c.chunkOf(to-1)+1
	if start, _ := s.ChunkStart(first); start < from {
		stop, _ := s.ChunkStart(first + 1)
		n := min(to, stop) - from
		if err := c.decodePart(first, from, dst[:n]); err != nil {
			return err
		}
		check.Decoded(from, from+n)
		dst, from = dst[n:], from+n
		first++
	}
	var last []uint16 // the elements in the last chunk, if that goes on past the span
	if stop, _ := s.ChunkStart(end); first < end && stop > to {
		end--
		start, _ := s.ChunkStart(end)
		dst, last = dst[:start-from], dst[start-from:]
	}
	if err := newTask(c, workers, first, end, dst, check).Run(ctx); err != nil {
		return err
	}
	if len(last) > 0 {
		if err := c.decodePart(end, to-len(last), last); err != nil {
			return err
		}
		check.Decoded(to-len(last), to)
	}
	return check.Err()
}

// decodePart writes len(dst) elements of chunk c to dst, from element from on. It checks the whole chunk. If the
// fast decoder rejects the chunk, the reference decides.
func (u *checkedUnit) decodePart(c, from int, dst []uint16) error {
	if u.decoder.decodePart(u.stream, c, from, dst) {
		return nil
	}
	start, _ := u.stream.ChunkStart(c)
	stop, _ := u.stream.ChunkStart(c + 1)
	whole := make([]uint16, stop-start)
	if err := u.reference(c, whole); err != nil {
		return err
	}
	copy(dst, whole[from-start:])
	return nil
}
