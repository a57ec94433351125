package encode

import (
	"fmt"
	"sync/atomic"

	"github.com/seed54244801/bespoke/codebook"
)

const (
	windowBytes = codebook.WindowBytes
	windowBits  = codebook.WindowBits
)

//go:generate go test ../avo -run ^TestEncoderAssembly$ -update

// An Encoder codes units one after another with the same memory. It must not be used by two
// goroutines at once; it runs its own. The zero value is ready to use. Where weights are those of a mapped
// file that was cut short, the fault is one of the goroutine that calls Encode: model.Guard makes it an
// error. The Encoder is good for other units then.
type Encoder struct {
	// Workers is the number of goroutines that share a unit, GOMAXPROCS if 0.
	Workers int
	// Index says how streams are indexed.
	Index codebook.Index

	codes   *codes    // of the last book
	packers []*packer // one a worker
	stream  stream

	signMantissa, outputPositions, packedGaps, tiles []byte
}

// Encode codes the weights of a unit, given as the little-endian bfloat16 bytes of its tensors one
// after another. The stream is the one that codebook.EncodeIndexed makes. It is good until the next call
// of Encode, which uses its memory again.
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
	for range workers(e.Workers, in.blocks()) - len(e.packers) {
		e.packers = append(e.packers, new(packer))
	}
	for _, p := range e.packers {
		p.ahead = workers(e.Workers, in.blocks()) * blockElements
	}
	e.stream.reset(in.blocks())
	var missing atomic.Bool
	parallel(in.blocks(), e.Workers, func(worker, i int) {
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

// packBlock reads the weights of block i and packs them. It returns false if some have no code. Where they cannot be
// read, the stream fails, so that nobody waits for the block.
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
