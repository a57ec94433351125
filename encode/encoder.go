package encode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"sync/atomic"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode/internal/parallel"
)

const (
	windowBytes = codebook.WindowBytes
	windowBits  = codebook.WindowBits
)

//go:generate go test ../avo -run ^TestEncoderAssembly$ -update

// An Encoder codes units one after another with the same memory. It starts goroutines itself, but must not be used
// by two goroutines at once. The zero value is ready to use. If the weights are in a mapped file that was cut
// short, the goroutine that calls Encode gets the fault, and model.Guard makes it an error. After that the Encoder
// can be used for other units.
type Encoder struct {
	// Workers is the number of goroutines that share a unit, GOMAXPROCS if 0.
	Workers int
	// Index says how streams are indexed.
	Index codebook.Index

	codes   *codes    // of the last book
	packers []*packer // one for each worker
	stream  stream

	signMantissa, outputPositions, packedGaps, tiles []byte
}

// Encode codes the weights of a unit, given as the little-endian bfloat16 bytes of its tensors, one part for each.
// The stream is the one that codebook.EncodeIndexed makes. It is valid until the next call of Encode, which uses
// its memory again.
func (e *Encoder) Encode(b *codebook.Book, parts [][]byte) (*codebook.Stream, error) {
	in, err := newInput(parts)
	if err != nil {
		return nil, err
	}
	if e.codes == nil || e.codes.book != b {
		e.codes = newCodes(b, e.codes)
	}
	e.signMantissa = grow(e.signMantissa, in.n)
	if e.Index.HasTiles() {
		e.tiles = grow(e.tiles, codebook.TileCount(in.n)*codebook.TileBytes)
	}
	if !e.pack(in) {
		return nil, in.missing(b)
	}
	bytes := (e.stream.bits + 7) / 8
	if bytes > codebook.MaxStreamBytes {
		return nil, fmt.Errorf("encode: stream of %d bytes, a unit has at most %d", bytes, codebook.MaxStreamBytes)
	}
	s := &codebook.Stream{Luts: b.Luts(), Encoded: e.stream.finish(e.codes.fill), SignMantissa: e.signMantissa}
	if e.Index.HasGaps() {
		e.index(b, in.n)
		s.OutputPositions, s.Gaps = e.outputPositions, e.packedGaps
	}
	if e.Index.HasTiles() {
		s.Tiles = e.tiles
	}
	return s, nil
}

// pack packs all weights. It returns false if some have no code.
func (e *Encoder) pack(in *input) bool {
	for range parallel.Workers(e.Workers, in.blocks()) - len(e.packers) {
		e.packers = append(e.packers, new(packer))
	}
	for _, p := range e.packers {
		p.ahead = parallel.Workers(e.Workers, in.blocks()) * blockElements
	}
	e.stream.reset(in.blocks())
	var missing atomic.Bool
	parallel.Do(in.blocks(), e.Workers, func(worker, i int) {
		p, first := e.packers[worker], i*blockElements
		ok := e.packBlock(p, in, i)
		at, turn := e.stream.begin(i, p)
		if !turn {
			return
		}
		defer e.stream.end()
		if i == in.blocks()-1 {
			e.stream.last = p.lastExponent()
		}
		if !ok {
			missing.Store(true)
		} else if at.bit+p.bit <= 8*codebook.MaxStreamBytes {
			p.write(e.stream.encoded, at)
			if e.Index.HasGaps() {
				p.index(e.codes, first, e.stream.gaps, e.stream.positions, at)
			}
			if e.Index.HasTiles() {
				p.tiles(at.bit, e.tiles[first/codebook.TileElements*codebook.TileBytes:])
			}
		}
	})
	return !missing.Load()
}

// packBlock reads the weights of block i and packs them. It returns false if some have no code. If they cannot be
// read, it marks the stream as failed, so that no worker waits for the block.
func (e *Encoder) packBlock(p *packer, in *input, i int) bool {
	read := false
	defer func() {
		if !read {
			e.stream.failed.Store(true)
		}
	}()
	ok := p.pack(e.codes, in.block(i, p.gathered[:]), e.signMantissa[i*blockElements:])
	read = true
	return ok
}

// blockElements is the number of weights in an encoder block, which a worker packs at a time. A block stays in the
// cache together with everything that is made of it.
const blockElements = 8 << 10

// An input is the weights of a unit, in parts, seen as blocks.
type input struct {
	parts  [][]byte
	starts []int // the first weight of each part
	n      int   // all weights
}

func newInput(parts [][]byte) (*input, error) {
	in := &input{parts: parts, starts: make([]int, len(parts))}
	n := int64(0)
	for i, p := range parts {
		if len(p)%2 != 0 {
			return nil, fmt.Errorf("encode: part %d has %d bytes, want whole bfloat16 words", i, len(p))
		}
		in.starts[i] = int(n)
		n += int64(len(p) / 2)
	}
	if n > codebook.MaxElements {
		return nil, fmt.Errorf("encode: %d weights, a unit has at most %d", n, codebook.MaxElements)
	}
	in.n = int(n)
	return in, nil
}

// blocks returns the number of blocks.
func (in *input) blocks() int { return (in.n + blockElements - 1) / blockElements }

// block returns the weights of block i. If it holds weights of several tensors, they are copied to scratch, which
// has room for a block.
func (in *input) block(i int, scratch []byte) []byte {
	first := i * blockElements
	size := 2 * min(blockElements, in.n-first)
	part := sort.Search(len(in.parts), func(p int) bool { return in.starts[p] > first }) - 1
	rest := in.parts[part][2*(first-in.starts[part]):]
	if len(rest) >= size {
		return rest[:size]
	}
	n := copy(scratch, rest)
	for n < size {
		part++
		n += copy(scratch[n:size], in.parts[part])
	}
	return scratch[:size]
}

// missing returns an error for the first weight that has no code. If there is none now, the weights changed,
// because there was one when they were packed.
func (in *input) missing(b *codebook.Book) error {
	for i, p := range in.parts {
		for at := 0; at < len(p); at += 2 {
			if e := codebook.Exponent(binary.LittleEndian.Uint16(p[at:])); b.Code(e).Length == 0 {
				return fmt.Errorf("encode: weight %d has exponent %d, which has no code", in.starts[i]+at/2, e)
			}
		}
	}
	return errors.New("encode: the weights changed while they were read")
}

// grow returns a slice of length n with any contents. It uses the memory of s if that is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n)
}
