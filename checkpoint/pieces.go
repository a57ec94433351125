package checkpoint

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/seed54244801/bespoke/model"
)

// pieceBytes is the most that a piece holds. Half as much is 6 % slower, because handing a piece from stage to
// stage takes time.
const pieceBytes = 2 << 20

// A piece is a part of a file: bytes that are at hand, or words of a tensor that are to be decoded.
type piece struct {
	bytes        []byte
	tensor       string
	first, words int
	check        *tensorCheck // nil where no sum of the tensor is known
	block        int          // the number of the first sum block of the tensor in the piece
}

// A tensorCheck compares a tensor that comes in pieces with its sum.
type tensorCheck struct {
	what   string // the tensor, with its file and unit
	want   model.TensorSum
	summer *model.TensorSummer
}

// add takes in a piece, which begins with the given sum block. All its sum blocks are whole, except the last of
// the tensor. Pieces come in their order. The sum is compared after the last one.
func (c *tensorCheck) add(block int, data []byte) error {
	for ; len(data) > 0; block++ {
		n := c.summer.BlockSize(block)
		c.summer.Add(block, data[:n])
		data = data[n:]
	}
	if block < c.summer.Blocks() {
		return nil
	}
	if have := c.summer.Sum(); have != c.want {
		return fmt.Errorf("%s is damaged: xxh128 %v, must be %v", c.what, have, c.want)
	}
	return nil
}

// split cuts data into pieces and appends them.
func split(list []piece, data []byte) []piece {
	for len(data) > 0 {
		n := min(len(data), pieceBytes)
		list = append(list, piece{bytes: data[:n]})
		data = data[n:]
	}
	return list
}

// tensor cuts a tensor of size bytes into pieces and appends them.
func (w *decompressor) tensor(list []piece, name string, size uint64) ([]piece, error) {
	var have uint64
	coded, raw := w.coded[name], w.raw[name]
	from := len(list)
	switch {
	case raw != nil:
		list, have = split(list, raw.Bytes()), raw.Size()
	case coded != nil:
		for first := 0; first < coded.Elements; first += pieceBytes / 2 {
			list = append(list, piece{tensor: name, first: first, words: min(pieceBytes/2, coded.Elements-first)})
		}
		have = 2 * uint64(coded.Elements)
	default:
		return nil, fmt.Errorf("tensor %q: not in %s", name, w.d.Path)
	}
	if have != size {
		return nil, fmt.Errorf("tensor %q: %d bytes in %s, must be %d", name, have, w.d.Path, size)
	}
	if want, ok := w.d.Sums[name]; ok {
		check := &tensorCheck{what: w.where(name), want: want, summer: model.NewTensorSummer(size)}
		for i := range list[from:] {
			list[from+i].check, list[from+i].block = check, i*(pieceBytes/model.SumBlock)
		}
	}
	return list, nil
}

// where names a tensor, its unit and its file.
func (w *decompressor) where(name string) string {
	if raw := w.raw[name]; raw != nil {
		return fmt.Sprintf("tensor %q of %s", name, raw.File())
	}
	u := w.unitOf[name]
	return fmt.Sprintf("tensor %q of unit %q in %s", name, u.Name, u.File)
}

// A pieceBuffer holds a piece on its way: its bytes, and the memory that words are decoded into.
type pieceBuffer struct {
	bytes []byte
	words []uint16
}

// send writes pieces to all writers. Decoding is one stage, and each writer is another.
func (w *decompressor) send(ctx context.Context, list []piece, to ...io.Writer) error {
	most := 0 // words in a piece
	for i := range list {
		most = max(most, list[i].words)
	}
	stages := []stage[pieceBuffer]{func(ctx context.Context, i int, b *pieceBuffer) error {
		return w.load(ctx, &list[i], b, most)
	}}
	for _, out := range to {
		stages = append(stages, func(_ context.Context, _ int, b *pieceBuffer) error {
			_, err := out.Write(b.bytes)
			return err
		})
	}
	// One more than there are stages, so that no stage has to wait for another to finish its piece.
	return overlap(ctx, len(list), make([]pieceBuffer, len(stages)+1), stages...)
}

// load brings a piece into a buffer. most is the largest number of words in any piece.
func (w *decompressor) load(ctx context.Context, p *piece, b *pieceBuffer, most int) error {
	if b.bytes = p.bytes; p.words > 0 {
		if b.words == nil {
			b.words = make([]uint16, most)
		}
		words := b.words[:p.words]
		if err := w.m.DecodePart(ctx, p.tensor, p.first, words); err != nil {
			return err
		}
		b.bytes = fileBytes(words)
	}
	if p.check != nil {
		if err := p.check.add(p.block, b.bytes); err != nil {
			return err
		}
	}
	w.p.Advance(int64(len(b.bytes)))
	return nil
}

// A stage does its part of the work on piece i, which is in the buffer.
type stage[T any] func(ctx context.Context, i int, buffer *T) error

// overlap takes n pieces through stages that work at the same time: while one stage is busy with a piece, the
// stage before it works on a later piece. Pieces take turns in the buffers, so that memory is bounded and used
// again. The first error ends all stages. When overlap returns, no stage is at work any more.
func overlap[T any](ctx context.Context, n int, buffers []T, stages ...stage[T]) error {
	ready := make([]chan *T, len(stages)) // by stage, the buffers that wait for it
	for i := range ready {
		ready[i] = make(chan *T, len(buffers))
	}
	for i := range buffers {
		ready[0] <- &buffers[i]
	}
	group, ctx := errgroup.WithContext(ctx)
	for s, do := range stages {
		from, to := ready[s], ready[(s+1)%len(stages)]
		side(group, func() error {
			for i := range n {
				select {
				case buffer := <-from:
					if err := do(ctx, i, buffer); err != nil {
						return err
					}
					to <- buffer
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	return group.Wait()
}
