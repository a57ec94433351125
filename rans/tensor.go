package rans

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"
)

// MaxDims is the most dimensions that the shape of a coded tensor has.
const MaxDims = 8

const (
	magic       = "rANS\x01" // and the version
	headerBytes = 128
	alignment   = 64

	// Where the header has what follows the magic.
	atForm         = 5
	atDims         = 6 // their number
	atWeights      = 8
	atBlockWeights = 16
	atBlocks       = 24 // the size of the blocks
	atSum          = 32
	atShape        = 64
)

// A Tensor is a tensor of bfloat16 weights as a file has it: a stream and a shape.
type Tensor struct {
	Stream
	Shape []uint64 // its product is Weights
}

// Size returns the size of the tensor in a file.
func (t *Tensor) Size() int { return t.places().end }

// Bytes returns the tensor as a file has it.
func (t *Tensor) Bytes() ([]byte, error) { return t.BytesIn(nil) }

// BytesIn is [Tensor.Bytes] in the memory of b, if that has room.
func (t *Tensor) BytesIn(b []byte) ([]byte, error) {
	if err := t.checkShape(); err != nil {
		return nil, err
	}
	l := t.places()
	b = slices.Grow(b[:0], l.end)[:l.end]
	clear(b[:headerBytes])
	copy(b, magic)
	b[atForm], b[atDims] = byte(t.Form), byte(len(t.Shape))
	binary.LittleEndian.PutUint64(b[atWeights:], uint64(t.Weights))
	binary.LittleEndian.PutUint32(b[atBlockWeights:], uint32(t.BlockWeights))
	binary.LittleEndian.PutUint64(b[atBlocks:], uint64(len(t.Blocks)))
	for i, d := range t.Shape {
		binary.LittleEndian.PutUint64(b[atShape+8*i:], d)
	}
	copy(b[headerBytes:], t.Table)
	clear(b[l.index+copy(b[l.index:], t.Index) : l.blocks])
	clear(b[l.blocks+copy(b[l.blocks:], t.Blocks) : l.plane])
	copy(b[l.plane:], t.Plane)
	binary.LittleEndian.PutUint64(b[atSum:], xxh3.Hash(b[:l.index+len(t.Index)]))
	return b, nil
}

// ParseTensor returns the tensor that bytes of a file hold. Its slices are parts of b. The sizes have been checked, and
// the sum of the header, table and index. [Stream.Validate] checks what they say.
func ParseTensor(b []byte) (*Tensor, error) {
	if len(b) < headerBytes+TableBytes || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("rans: %d bytes that do not begin as a coded tensor does", len(b))
	}
	weights, blocks := binary.LittleEndian.Uint64(b[atWeights:]), binary.LittleEndian.Uint64(b[atBlocks:])
	t := &Tensor{Stream: Stream{Form: Form(b[atForm]), BlockWeights: int(binary.LittleEndian.Uint32(b[atBlockWeights:]))}}
	// A weight takes 7 bits of the plane at least, and blocks are a part of b: so no size below overflows.
	if t.Form > Joint || t.BlockWeights < 1 || t.BlockWeights > MaxBlock || weights > 2*uint64(len(b)) || blocks > uint64(len(b)) {
		return nil, fmt.Errorf("rans: %v, %d weights in blocks of %d, and %d bytes of blocks, in %d bytes", t.Form, weights, t.BlockWeights, blocks, len(b))
	}
	t.Weights = int(weights)
	l := t.placesWith(int(blocks))
	if l.end != len(b) {
		return nil, fmt.Errorf("rans: %d bytes, must be %d for %d weights in blocks of %d and %d bytes of blocks", len(b), l.end, weights, t.BlockWeights, blocks)
	}
	sum := xxh3.New()
	_, _ = sum.Write(b[:atSum])
	_, _ = sum.Write(make([]byte, 8))
	_, _ = sum.Write(b[atSum+8 : l.index+l.indexBytes])
	if have, want := sum.Sum64(), binary.LittleEndian.Uint64(b[atSum:]); have != want {
		return nil, fmt.Errorf("rans: header, table and index have the checksum %#x, must be %#x", have, want)
	}
	if b[atDims] > MaxDims {
		return nil, fmt.Errorf("rans: %d dimensions, at most %d", b[atDims], MaxDims)
	}
	for i := range int(b[atDims]) {
		t.Shape = append(t.Shape, binary.LittleEndian.Uint64(b[atShape+8*i:]))
	}
	t.Table = b[headerBytes : headerBytes+TableBytes]
	t.Index = b[l.index : l.index+l.indexBytes]
	t.Blocks = b[l.blocks : l.blocks+int(blocks)]
	t.Plane = b[l.plane:]
	for _, gap := range [][]byte{b[l.index+l.indexBytes : l.blocks], b[l.blocks+int(blocks) : l.plane]} {
		if !zeros(gap) {
			return nil, errors.New("rans: there are no zeros before the blocks or before the plane")
		}
	}
	if err := t.checkShape(); err != nil {
		return nil, err
	}
	for _, gap := range [][]byte{b[atDims+1 : atWeights], b[atBlockWeights+4 : atBlocks], b[atSum+8 : atShape], b[atShape+8*len(t.Shape) : headerBytes]} {
		if !zeros(gap) {
			return nil, errors.New("rans: there are no zeros in the header where they have to be")
		}
	}
	return t, nil
}

func zeros(b []byte) bool { return !slices.ContainsFunc(b, func(z byte) bool { return z != 0 }) }

// checkShape compares the shape with the number of weights.
func (t *Tensor) checkShape() error {
	if len(t.Shape) > MaxDims {
		return fmt.Errorf("rans: %d dimensions, at most %d", len(t.Shape), MaxDims)
	}
	n := uint64(1)
	for _, d := range t.Shape {
		high, low := bits.Mul64(n, d)
		if high != 0 {
			return errors.New("rans: the product of the shape overflows")
		}
		n = low
	}
	if n != uint64(t.Weights) {
		return fmt.Errorf("rans: shape %v of %d weights", t.Shape, t.Weights)
	}
	return nil
}

// places says where the parts of a tensor lie behind its header and table.
type places struct {
	index, indexBytes int
	blocks, plane     int
	end               int
}

func (t *Tensor) places() places { return t.placesWith(len(t.Blocks)) }

// placesWith is places for a tensor whose blocks have a number of bytes.
func (t *Tensor) placesWith(blocks int) (l places) {
	l.index, l.indexBytes = headerBytes+TableBytes, indexBytes*t.Len()
	l.blocks = align(l.index + l.indexBytes)
	l.plane = align(l.blocks + blocks)
	l.end = l.plane + t.planeBytes()
	return l
}

func align(n int) int { return (n + alignment - 1) / alignment * alignment }

const (
	// DefaultBlock is the number of weights of a block that [BlockWeights] does not exceed, if it can.
	DefaultBlock = 1 << 18
	// smallBlock is the number of weights of a block from which on more blocks side by side are worth their states.
	smallBlock = 1 << 15
	// sideBySide is the number of blocks that decoders for CPUs decode side by side.
	sideBySide = 4
)

// BlockWeights returns the number of weights in a block for a tensor of a shape. Blocks have whole rows, unless a row is
// longer than a block. They have about equal sizes, and their number is a multiple of four where that makes sense.
func BlockWeights(shape []uint64) int {
	row, rows := 1, 1
	for i, d := range shape {
		if i == len(shape)-1 {
			row = int(max(1, d))
		} else {
			rows *= int(max(1, d))
		}
	}
	if row > DefaultBlock {
		return DefaultBlock
	}
	weights := row * rows
	blocks := max(1, min(sideBySide, weights/smallBlock))
	if least := ceilDiv(weights, DefaultBlock); blocks < least {
		blocks = ceilDiv(least, sideBySide) * sideBySide
	}
	n := ceilDiv(rows, blocks)
	return min(n, max(1, DefaultBlock/row)) * row
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
