package model

import (
	"encoding/hex"
	"fmt"

	"github.com/zeebo/xxh3"
)

// SumBlock is the number of bytes in a block of a [TensorSum].
const SumBlock = 512 << 10

// A TensorSum tells the bytes of a tensor from any others that come about by accident. Like a [FileSum] it does
// not withstand bytes that are made to have the same sum.
//
// It is the 128-bit XXH3 hash of the hashes, 16 bytes each and big-endian, of the tensor's blocks: [SumBlock] bytes
// each, the last one what is left. So blocks can be summed up in any order, by several processors, as they are decoded. In
// Python, with the package xxhash:
//
//	xxh3_128_digest(b"".join(xxh3_128_digest(data[i:i+524288]) for i in range(0, len(data), 524288)))
type TensorSum [16]byte

// SumTensor returns the sum of a tensor's bytes.
func SumTensor(data []byte) TensorSum {
	s := NewTensorSummer(uint64(len(data)))
	for i := range s.Blocks() {
		s.Add(i, data[i*SumBlock:min(len(data), (i+1)*SumBlock)])
	}
	return s.Sum()
}

// String returns the sum in lower-case hexadecimal.
func (s TensorSum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText returns the sum in lower-case hexadecimal.
func (s TensorSum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *TensorSum) UnmarshalText(text []byte) error {
	if !isHex(string(text), len(s)) {
		return fmt.Errorf("sum %.40q is not 32 lower-case hexadecimal digits", text)
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// A TensorSummer takes a [TensorSum] block by block.
type TensorSummer struct {
	size   uint64
	blocks []byte // their hashes
}

// NewTensorSummer returns one for a tensor of size bytes.
func NewTensorSummer(size uint64) *TensorSummer {
	return &TensorSummer{size: size, blocks: make([]byte, len(TensorSum{})*int((size+SumBlock-1)/SumBlock))}
}

// Blocks returns the number of blocks.
func (s *TensorSummer) Blocks() int { return len(s.blocks) / len(TensorSum{}) }

// BlockSize returns the number of bytes in block i.
func (s *TensorSummer) BlockSize(i int) int { return int(min(SumBlock, s.size-uint64(i)*SumBlock)) }

// Add takes in all the bytes of block i. Different blocks may be added at the same time.
func (s *TensorSummer) Add(i int, data []byte) {
	hash := xxh3.Hash128(data).Bytes()
	copy(s.blocks[i*len(hash):], hash[:])
}

// Sum returns the sum once all blocks were added.
func (s *TensorSummer) Sum() TensorSum { return xxh3.Hash128(s.blocks).Bytes() }
