package encode

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/seed54244801/bespoke/codebook"
)

// A stream joins packed blocks in their order.
type stream struct {
	blocks int
	next   atomic.Int64 // the block whose turn it is; its worker owns bits and carry
	failed atomic.Bool  // some block will never come
	bits   uint64       // length of the blocks before it
	carry  byte         // the bits of the unfinished byte at their end, left-aligned
	last   uint8        // the exponent of the last weight of the last block

	moving    sync.RWMutex // guards the memory below: a write lock moves it, read locks fill it
	encoded   []byte
	gaps      []byte // by window
	positions []uint32
}

// A place is where a block's codes go in the stream.
type place struct {
	bit   uint64
	carry byte // the bits before it in its first byte, left-aligned
}

// reset starts a stream of the given number of blocks. It uses the memory of the previous stream.
func (s *stream) reset(blocks int) {
	s.blocks, s.bits, s.carry = blocks, 0, 0
	s.next.Store(0)
	s.failed.Store(false)
}

// begin waits for the turn of block i and gives it a place. The memory of the stream does not move until end is
// called. The wait is a loop, because the worker before has almost finished: sleeping and waking would take
// longer. begin returns false if some block before will never come. Then end must not be called.
func (s *stream) begin(i int, p *packer) (at place, ok bool) {
	const looks = 1 << 10 // before another goroutine may use the thread
	for n := 1; s.next.Load() != int64(i); n++ {
		if n%looks == 0 {
			if s.failed.Load() {
				return place{}, false
			}
			runtime.Gosched()
		}
	}
	at = place{s.bits, s.carry}
	s.bits += p.bit
	s.carry = byte(p.acc << (8 - s.bits%8))
	if s.bits/8 == at.bit/8 {
		s.carry |= at.carry
	}
	s.reserve(i + 1)
	s.moving.RLock()
	s.next.Store(int64(i) + 1)
	return at, true
}

func (s *stream) end() { s.moving.RUnlock() }

// reserve makes room for the blocks so far. If it has to allocate memory, it assumes that the other blocks have
// the same length on average.
func (s *stream) reserve(blocks int) {
	if s.bits > 8*codebook.MaxStreamBytes || windowsIn(s.bits) <= len(s.encoded)/windowBytes {
		return
	}
	expected := windowsIn(uint64(float64(s.bits) / float64(blocks) * float64(s.blocks) * 1.01))
	windows := max(windowsIn(s.bits), min(expected, codebook.MaxStreamBytes/windowBytes))
	s.moving.Lock()
	defer s.moving.Unlock()
	s.encoded = append(make([]byte, 0, windows*windowBytes), s.encoded...)[:windows*windowBytes]
	s.gaps = append(make([]byte, 0, windows+1), s.gaps...)[:windows+1] // a window may begin where the stream ends
	s.positions = append(make([]uint32, 0, windows/codebook.ChunkWindows+2), s.positions...)[:windows/codebook.ChunkWindows+2]
}

// finish fills up the last byte and returns all.
func (s *stream) finish(fill uint8) []byte {
	if used := s.bits % 8; used > 0 {
		s.encoded[s.bits/8] = s.carry | fill>>used
	}
	return s.encoded[:(s.bits+7)/8]
}

// windowsIn is the number of windows that hold so many bits.
func windowsIn(bits uint64) int { return int((bits + windowBits - 1) / windowBits) }

// write writes the codes of a block to their place, except the bits of the unfinished byte at their end.
func (p *packer) write(encoded []byte, at place) {
	shift := at.bit % 8
	p.stream[0] = at.carry >> (8 - shift)
	shiftRight(encoded[at.bit/8:(at.bit+p.bit)/8], p.stream[:], shift)
}

// shiftRight shifts the bits of src right by 0 to 7 and writes all but the first byte to dst. The bits that leave
// the first byte come first.
func shiftRight(dst, src []byte, shift uint64) {
	n := shiftWhole(dst, src, shift)
	dst, src = dst[n:], src[n:]
	low := 0x0101010101010101 * (uint64(0xff) >> shift) // what the bits of a byte become
	for ; len(dst) >= 8 && len(src) >= 9; dst, src = dst[8:], src[8:] {
		before, bytes := binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint64(src[1:])
		binary.LittleEndian.PutUint64(dst, before<<(8-shift)&^low|bytes>>(shift&63)&low)
	}
	for i := range dst {
		dst[i] = src[i]<<(8-shift) | src[i+1]>>shift
	}
}
