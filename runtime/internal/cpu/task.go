package cpu

import (
	"errors"

	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/internal/strands"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// pieces bounds the number of chunks that a worker takes at a time. Long stretches are decoded faster. The number is a
// multiple of the number of strands. The smallest pieces have about 300,000 weights and take a tenth of a millisecond.
// The largest pieces take a few milliseconds.
var pieces = coded.Pieces{Least: 5 * strands.Count, Most: 128 * strands.Count, Multiple: strands.Count}

// summedPiece is about the largest number of chunks that a worker decodes at a time if their weights are compared
// with sums. They are a megabyte of words, which stay in the second-level cache of a core until they are summed up.
const summedPiece = 8 * strands.Count

// summedChunks returns how many of n chunks to decode next if their weights are compared with sums. The pieces of n
// chunks get equal shares, rounded up to a multiple of the chunks that the decoder decodes side by side.
func summedChunks(n, sides int) int {
	pieces := (n + summedPiece - 1) / summedPiece
	share := (n + pieces - 1) / pieces
	return min(n, (share+sides-1)/sides*sides)
}

// A target is where the weights of chunks of a unit go.
type target struct {
	unit   *checkedUnit
	stream *stream
	dst    []uint16     // for the elements of the chunks
	base   int          // the first of these elements
	check  *coded.Check // nil if nothing is checked
}

// Task prepares the decoding of the whole unit with the given number of workers. If check is not nil, it checks the
// decoded elements. The error is that of [Unit.Prepare].
func (u *Unit) Task(workers int, dst []uint16, check *coded.Check) (*coded.Task, error) {
	c, err := u.prepare()
	if err != nil {
		return nil, err
	}
	return newTask(c, workers, 0, c.stream.Chunks(), dst, check), nil
}

// newTask prepares the decoding of chunks [from, to) of a unit with the given number of workers. If check is not
// nil, it checks the decoded elements.
func newTask(u *checkedUnit, workers, from, to int, dst []uint16, check *coded.Check) *coded.Task {
	base, _ := u.stream.ChunkStart(from)
	t := target{unit: u, stream: u.stream, dst: dst, base: base, check: check}
	// Words that are checked, or that fit into the cache, are likely to be read from it soon. The memory of the
	// latter is often in the cache already, from an earlier call.
	if check != nil || 2*len(dst) <= cachedBytes {
		t.stream = u.stream.throughCaches()
	}
	return coded.NewTask(from, to, workers, pieces, check, t.piece)
}

// piece decodes chunks [from, to), and reports their elements to the check. A fault is an error of the first chunk,
// because it is not known which chunk it was in.
func (t *target) piece(from, to int) (bad int, err error) {
	err = fault.Guard(func() error {
		for ; from < to; from = bad {
			bad = to
			if t.check != nil {
				bad = from + summedChunks(to-from, t.unit.decoder.sides())
			}
			if bad, err = t.chunks(from, bad); err != nil {
				return err
			}
			if t.check != nil {
				first, _ := t.stream.ChunkStart(from)
				end, _ := t.stream.ChunkStart(bad)
				t.check.Decoded(first, end)
			}
		}
		return nil
	})
	if _, gone := errors.AsType[*fault.Error](err); gone {
		return from, t.unit.Wrap(err)
	}
	return bad, err
}

// chunks decodes chunks [from, to). If the fast decoder rejects a chunk, the reference decides.
func (t *target) chunks(from, to int) (bad int, err error) {
	for from < to {
		first, _ := t.stream.ChunkStart(from)
		end, _ := t.stream.ChunkStart(to)
		bad := t.unit.decoder.decode(t.stream, from, to, t.dst[first-t.base:end-t.base])
		if bad == to {
			break
		}
		first, _ = t.stream.ChunkStart(bad)
		end, _ = t.stream.ChunkStart(bad + 1)
		if err := t.unit.reference(bad, t.dst[first-t.base:end-t.base]); err != nil {
			return bad, err
		}
		from = bad + 1
	}
	return to, nil
}
