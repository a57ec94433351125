package rans

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"
)

// indexBytes is the size of an entry of the index.
const indexBytes = 16

// A Stream is the weights of a matrix, coded. The slices may come from a file: see [Stream.Validate].
type Stream struct {
	Form         Form
	Weights      int
	BlockWeights int // of all blocks but the last
	Table        []byte
	Index        []byte
	Blocks       []byte
	Plane        []byte
}

// Encode codes weights with a table that is valid for the form.
func Encode(f Form, t *Table, weights []uint16, blockWeights int) (*Stream, error) {
	if err := t.Validate(f); err != nil {
		return nil, err
	}
	if blockWeights < 1 || blockWeights > MaxBlock {
		return nil, fmt.Errorf("rans: blocks of %d weights, want 1 to %d", blockWeights, MaxBlock)
	}
	s := &Stream{Form: f, Weights: len(weights), BlockWeights: blockWeights, Table: t.Bytes()}
	c := newCoder(f, t)
	for i := range s.Len() {
		part := weights[i*blockWeights : min(len(weights), (i+1)*blockWeights)]
		plane := make([]byte, f.PlaneBytes(len(part)))
		var words, patches int
		s.Blocks, words, patches = encodeBlock(s.Blocks, c, part, plane)
		s.Plane = append(s.Plane, plane...)
		s.Index = binary.LittleEndian.AppendUint32(s.Index, uint32(words))
		s.Index = binary.LittleEndian.AppendUint32(s.Index, uint32(patches))
		s.Index = binary.LittleEndian.AppendUint64(s.Index, Sum(part))
	}
	return s, nil
}

// Sum returns the checksum of weights.
func Sum(weights []uint16) uint64 {
	h := xxh3.New()
	var part [4096]byte
	for len(weights) > 0 {
		n := min(len(weights), len(part)/2)
		for i, w := range weights[:n] {
			binary.LittleEndian.PutUint16(part[2*i:], w)
		}
		_, _ = h.Write(part[:2*n])
		weights = weights[n:]
	}
	return h.Sum64()
}

// Len returns the number of blocks.
func (s *Stream) Len() int {
	if s.Weights == 0 {
		return 0
	}
	return (s.Weights-1)/s.BlockWeights + 1
}

// blockWeights returns the number of weights of a block.
func (s *Stream) blockWeights(block int) int {
	return min(s.BlockWeights, s.Weights-block*s.BlockWeights)
}

// planeBytes returns the size of the plane.
func (s *Stream) planeBytes() int {
	n := s.Len()
	if n == 0 {
		return 0
	}
	return (n-1)*s.Form.PlaneBytes(s.BlockWeights) + s.Form.PlaneBytes(s.blockWeights(n-1))
}

// A Layout says where the blocks of a stream lie: block i has the bytes from [i] to [i+1] of Stream.Blocks.
type Layout []int

// Validate checks that the sizes of the stream fit together, and returns its table and where the blocks lie.
func (s *Stream) Validate() (*Table, Layout, error) {
	if s.Form > Joint {
		return nil, nil, fmt.Errorf("rans: %v", s.Form)
	}
	if s.Weights < 0 || s.BlockWeights < 1 || s.BlockWeights > MaxBlock {
		return nil, nil, fmt.Errorf("rans: %d weights in blocks of %d, want blocks of 1 to %d", s.Weights, s.BlockWeights, MaxBlock)
	}
	t, err := ParseTable(s.Form, s.Table)
	if err != nil {
		return nil, nil, err
	}
	n := s.Len()
	if len(s.Index)/indexBytes != n || len(s.Index)%indexBytes != 0 {
		return nil, nil, fmt.Errorf("rans: index of %d bytes, want %d for each of %d blocks", len(s.Index), indexBytes, n)
	}
	if want := s.planeBytes(); len(s.Plane) != want {
		return nil, nil, fmt.Errorf("rans: plane of %d bytes, want %d", len(s.Plane), want)
	}
	layout := make(Layout, n+1)
	for i := range n {
		words, patches := s.counts(i)
		if w := s.blockWeights(i); words > (w+States-1)/States*States || patches > w {
			return nil, nil, fmt.Errorf("rans: block %d: %d words and %d patches for %d weights", i, words, patches, w)
		}
		layout[i+1] = layout[i] + stateBytes + 4*patches + (words+1)/2*4
	}
	if layout[n] != len(s.Blocks) {
		return nil, nil, fmt.Errorf("rans: blocks of %d bytes, the index says %d", len(s.Blocks), layout[n])
	}
	return t, layout, nil
}

// counts returns the numbers of words and patches of a block.
func (s *Stream) counts(block int) (words, patches int) {
	entry := s.Index[indexBytes*block:]
	return int(binary.LittleEndian.Uint32(entry)), int(binary.LittleEndian.Uint32(entry[4:]))
}

// Block returns a block of a stream with that layout.
func (s *Stream) Block(layout Layout, block int) Block {
	words, patches := s.counts(block)
	b := s.Blocks[layout[block]:layout[block+1]]
	n := s.blockWeights(block)
	plane := s.Plane[block*s.Form.PlaneBytes(s.BlockWeights):]
	return Block{
		Weights: n,
		States:  b[:stateBytes],
		Patches: b[stateBytes : stateBytes+4*patches],
		Words:   b[stateBytes+4*patches : stateBytes+4*patches+2*words],
		Zeros:   b[stateBytes+4*patches+2*words:],
		Plane:   plane[:s.Form.PlaneBytes(n)],
	}
}

// Sum returns the checksum of the weights of a block.
func (s *Stream) Sum(block int) uint64 {
	return binary.LittleEndian.Uint64(s.Index[indexBytes*block+8:])
}

// Decode is the reference decoder. It returns the weights of a stream, or an error, a [*BlockError] for the first block
// that cannot be decoded.
func Decode(s *Stream) ([]uint16, error) {
	t, layout, err := s.Validate()
	if err != nil {
		return nil, err
	}
	a := t.Alias()
	weights := make([]uint16, s.Weights)
	for i := range s.Len() {
		b := s.Block(layout, i)
		dst := weights[i*s.BlockWeights:][:b.Weights]
		cause := b.Decode(s.Form, a, dst)
		if cause == 0 && Sum(dst) != s.Sum(i) {
			cause = BadSum
		}
		if cause != 0 {
			return nil, &BlockError{i, cause}
		}
	}
	return weights, nil
}
