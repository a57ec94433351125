package kernel

import (
	"encoding/binary"
	"fmt"

	"github.com/seed54244801/bespoke/codebook"
)

// A CUDALaunch says how an entry of a generated CUDA source is launched: a grid of [CUDALaunch.Blocks] or
// [CUDALaunch.ProductBlocks] blocks, or of fewer where CUDALaunch.Strides says so, CUDALaunch.Threads threads a block.
type CUDALaunch struct {
	// Entry is the name of the kernel.
	Entry string
	// Threads is the number of threads of a block; each decodes codebook.ChunkWindows / Threads windows.
	Threads int
	// TableBits is the width of the multi-symbol table in shared memory; 0 for the published kernel, which has none.
	TableBits int
	// Tiles says that it works by the tile index, a warp a tile, and takes the tensor tiles in the place of
	// output_positions and gaps. Its shared memory is static.
	Tiles bool
	// Product says that it multiplies: in the place of the output it takes x, the vectors one after another as
	// bfloat16, and y, zeros to which the product is added as float32; and before the number of the unit the first
	// element, rows and columns of the matrix and how many vectors there are, at most [CUDAVectors].
	Product bool
	// Strides says that any number of blocks does all the work: at most as many should be launched as run at once.
	Strides bool
	// Sized says that it takes the size of its dynamic shared memory, behind the published arguments.
	Sized bool
	// Reports says that the kernel takes the number of the unit and the address of an error word, see
	// [CUDALaunch.ParseError], after the published arguments.
	Reports bool
	// Table says that its last argument is the address of a table made by [CUDATableArgument].
	Table bool
}

// CUDAVectors is the largest number of vectors that a matrix is multiplied with at once.
const CUDAVectors = 8

// Blocks returns the size of the grid for a unit with so many bytes in its stream and so many elements.
func (l *CUDALaunch) Blocks(bytes, elements int) int {
	if l.Tiles {
		return ceilDiv(elements, l.Threads/codebook.TileLanes*codebook.TileElements)
	}
	return ceilDiv(bytes, codebook.ChunkBytes)
}

// ProductBlocks returns the size of the grid for a matrix that starts at an element of the unit: a warp takes as many
// tiles as a row needs.
func (l *CUDALaunch) ProductBlocks(first, rows, columns int) int {
	tiles := ceilDiv(first+rows*columns, codebook.TileElements) - first/codebook.TileElements
	return ceilDiv(tiles, l.Threads/codebook.TileLanes*ceilDiv(columns, codebook.TileElements))
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Shared returns the dynamic shared memory in bytes with which a kernel decodes chunks of up to n elements at
// full speed. With less, kernels that are told so decode them slowly, with hardly any not at all; the others must have it.
// A chunk has no more elements than bits, so that kernels with tables of up to 12 bits stay within the 48 KiB
// that a launch has without asking for more.
func (l *CUDALaunch) Shared(n int) int {
	switch {
	case l.Tiles:
		return 0
	case l.TableBits == 0:
		return 4*(codebook.ChunkWindows+1) + 2*n
	}
	const state, lead, surplus = 96, 4, 2 * codebook.WindowBits // see stage.cuh
	words := state + lead + ((cudaDigitsPerWord-1+n+surplus)/cudaDigitsPerWord/4+1)*4
	return 4 * (1<<l.TableBits + words)
}

// Fields of an entry of the multi-symbol table; table.cuh describes them.
const (
	// CUDAEntryDigits is the largest number of exponents of an entry.
	CUDAEntryDigits = 5
	// CUDADigits is the number of neighbouring exponents that are digits.
	CUDADigits = 16

	cudaDigitBits     = 4
	cudaDigitsPerWord = 32 / cudaDigitBits
	cudaCountShift    = 5
	cudaEscapedSymbol = 24
	cudaEscapedLength = 16
)

// A CUDABook is a code book as CUDA kernels look it up.
type CUDABook struct {
	// Base is the exponent of digit 0, even.
	Base uint8
	// Pad begins with bits that complete no symbol, whatever follows them.
	Pad uint32
	// Table has an entry for every window of its width.
	Table []uint32
}

// NewCUDABook lays out the multi-symbol table of b, 1<<bits entries of at most so many exponents. The counts, if
// there are any, say how often exponents come: a code's lengths tell it less well.
func NewCUDABook(b *codebook.Book, counts *codebook.Histogram, bits, digits int) *CUDABook {
	c := &CUDABook{Base: heaviestRun(b, counts), Table: make([]uint32, 1<<bits)}
	var padded bool
	if c.Pad, padded = unusedWindow(b); !padded {
		return c // every code is an escape: nothing tells where a window ends
	}
	for i, e := range codebook.MultiTable(b, bits, digits) {
		c.Table[i] = c.entry(b, e.Symbols)
	}
	return c
}

// entry packs the symbols of a window up to the first that is no digit, which is by itself in an escape.
func (c *CUDABook) entry(b *codebook.Book, symbols []uint8) (entry uint32) {
	for i, s := range symbols {
		if s < c.Base || s-c.Base >= CUDADigits {
			if i == 0 {
				return uint32(s)<<cudaEscapedSymbol | uint32(b.Code(s).Length)<<cudaEscapedLength
			}
			break
		}
		d := uint32(s - c.Base)
		entry |= (d&1<<3 | d>>1) << (32 - cudaDigitBits*(i+1))
		entry += cudaDigitBits<<cudaCountShift + uint32(b.Code(s).Length)
	}
	return entry
}

// unusedWindow returns a window that begins with bits that no code does, and whether there is one: that of the end of
// stream and then ones, for books that have it, so that it is the same for all canonical ones.
func unusedWindow(b *codebook.Book) (uint32, bool) {
	if eos := b.EndOfStream(); eos.Length > 0 {
		free := codebook.MaxLength - eos.Length
		return eos.Bits<<free | (1<<free - 1), true
	}
	for window := uint64(0); window < 1<<codebook.MaxLength; {
		_, length := b.Decode(uint32(window))
		if length == 0 {
			return uint32(window), true
		}
		window += 1 << (codebook.MaxLength - length)
	}
	return 0, false
}

// heaviestRun returns the first of the 16 neighbouring exponents that come most often, among those that start at an
// even one. Only exponents with a code count. Without counts a code of n bits stands for a probability of 2^-n. Among
// equals it is the lowest.
func heaviestRun(b *codebook.Book, counts *codebook.Histogram) uint8 {
	weights := b.Implied()
	if counts != nil && counts.Total() > 0 {
		for s := range weights {
			if weights[s] > 0 {
				weights[s] = counts[s]
			}
		}
	}
	return uint8(weights.HeaviestRun(CUDADigits, 2))
}

// The shape of the kernels that are cut for no model: CUDATableBits is the width of the tables that [CUDATableArgument]
// makes.
const (
	CUDATableBits    = 12
	cudaTableThreads = 256
)

// CUDALaunches describes the kernels that are cut for a model, with tables of so many bits and so many threads a block of
// decode_native: the ones of our own, and the last one with the published kernel's arguments.
func CUDALaunches(tableBits, nativeThreads int) []CUDALaunch {
	return append(ownLaunches(tableBits, nativeThreads), CUDALaunch{Entry: "decode", Threads: 512, TableBits: tableBits})
}

// CUDATableLaunches describes the kernels that are cut for no model, and are handed the table of a unit's code book.
func CUDATableLaunches() []CUDALaunch {
	launches := ownLaunches(CUDATableBits, cudaTableThreads)
	for i := range launches {
		launches[i].Entry += "_table"
		launches[i].Table = true
	}
	return launches
}

// ownLaunches describes the kernels of our own.
func ownLaunches(tableBits, nativeThreads int) []CUDALaunch {
	return []CUDALaunch{
		{Entry: "decode_tiles", Threads: 256, TableBits: tableBits, Tiles: true, Strides: true, Reports: true},
		{Entry: "decode_native", Threads: nativeThreads, TableBits: tableBits, Sized: true, Reports: true},
		{Entry: "matvec", Threads: 256, TableBits: tableBits, Tiles: true, Product: true, Strides: true, Reports: true},
	}
}

// CUDATableArgument lays out what table-driven kernels are handed for a code book whose luts tensor is given: rows,
// base and pad of the book and a zero, the table, and the luts; 32-bit words, little-endian, at an address that is
// a multiple of 16.
func CUDATableArgument(luts []byte) ([]byte, error) {
	b, err := codebook.ParseLuts(luts)
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	c := NewCUDABook(b, nil, CUDATableBits, CUDAEntryDigits)
	var out []byte
	for _, w := range append([]uint32{uint32(len(luts) / 256), uint32(c.Base), c.Pad, 0}, c.Table...) {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return append(out, luts...), nil
}

// A CUDAError is what a kernel found wrong with a unit.
type CUDAError struct {
	Cause CUDACause
	Unit  int  // the number that it was launched with, modulo 2^24
	Chunk int  // or the tile
	Tiles bool // it is a tile
}

func (e *CUDAError) Error() string {
	part := "chunk"
	if e.Tiles {
		part = "tile"
	}
	return fmt.Sprintf("unit %d, %s %d: %s", e.Unit, part, e.Chunk, e.Cause)
}

// A CUDACause is the number that stands for a fault in the error word.
type CUDACause uint8

// The causes, as faults.cuh has them.
const (
	CUDACodeUnknown  CUDACause = 1
	CUDAWindowEnd    CUDACause = 2
	CUDAElementCount CUDACause = 3
	CUDASizes        CUDACause = 4
	CUDAStreamEnd    CUDACause = 5
	CUDALaneEnd      CUDACause = 6
)

// String describes the fault.
func (c CUDACause) String() string {
	switch c {
	case CUDACodeUnknown:
		return "bits that no code begins with"
	case CUDAWindowEnd:
		return "the codes of a window do not end where the next window's begin"
	case CUDAElementCount:
		return "the codes are not as many as the elements"
	case CUDASizes:
		return "the stream is longer than a unit's can be, or the matrix larger than the unit"
	case CUDAStreamEnd:
		return "the last code does not end in the last byte of the stream"
	case CUDALaneEnd:
		return "the codes of a lane do not end where the next one's begin"
	}
	return fmt.Sprintf("fault %d", uint8(c))
}

// ParseCUDAError reads an error word: nil for 0. Whether it tells of a chunk or a tile depends on the kernel: see
// [CUDALaunch.ParseError].
func ParseCUDAError(word uint64) error {
	if word == 0 {
		return nil
	}
	return &CUDAError{Cause: CUDACause(word >> 56), Unit: int(word >> 32 & 0xffffff), Chunk: int(uint32(word))}
}

// ParseError reads the error word of the kernel: nil for 0.
func (l *CUDALaunch) ParseError(word uint64) error {
	err := ParseCUDAError(word)
	if e, ok := err.(*CUDAError); ok {
		e.Tiles = l.Tiles
	}
	return err
}
