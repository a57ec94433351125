package launch

import "github.com/seed54244801/bespoke/codebook"

// A Launch says how an entry of a generated CUDA source is launched: a grid of [Launch.Blocks] or
// [Launch.ProductBlocks] blocks, or of fewer where Launch.Strides says so, Launch.Threads threads a block.
type Launch struct {
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
	// element, rows and columns of the matrix and how many vectors there are, at most [MostVectors].
	Product bool
	// Strides says that any number of blocks does all the work: at most as many should be launched as run at once.
	Strides bool
	// Sized says that it takes the size of its dynamic shared memory, behind the published arguments.
	Sized bool
	// Reports says that the kernel takes the number of the unit and the address of an error word, see
	// [Launch.ParseError], after the published arguments.
	Reports bool
	// Table says that its last argument is the address of a table made by [TableArgument].
	Table bool
}

// MostVectors is the largest number of vectors that a matrix is multiplied with at once.
const MostVectors = 8

// Blocks returns the size of the grid for a unit with so many bytes in its stream and so many elements.
func (l *Launch) Blocks(bytes, elements int) int {
	if l.Tiles {
		return ceilDiv(elements, l.Threads/codebook.TileLanes*codebook.TileElements)
	}
	return ceilDiv(bytes, codebook.ChunkBytes)
}

// ProductBlocks returns the size of the grid for a matrix that starts at an element of the unit: a warp takes as many
// tiles as a row needs.
func (l *Launch) ProductBlocks(first, rows, columns int) int {
	tiles := ceilDiv(first+rows*columns, codebook.TileElements) - first/codebook.TileElements
	return ceilDiv(tiles, l.Threads/codebook.TileLanes*ceilDiv(columns, codebook.TileElements))
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Shared returns the dynamic shared memory in bytes with which a kernel decodes chunks of up to n elements at
// full speed. With less, kernels that are told so decode them slowly, with hardly any not at all; the others must have it.
// A chunk has no more elements than bits, so that kernels with tables of up to 12 bits stay within the 48 KiB
// that a launch has without asking for more.
func (l *Launch) Shared(n int) int {
	switch {
	case l.Tiles:
		return 0
	case l.TableBits == 0:
		return 4*(codebook.ChunkWindows+1) + 2*n
	}
	const state, lead, surplus = 96, 4, 2 * codebook.WindowBits // see stage.cuh
	words := state + lead + ((digitsPerWord-1+n+surplus)/digitsPerWord/4+1)*4
	return 4 * (1<<l.TableBits + words)
}

// The shape of the kernels that are cut for no model: TableBits is the width of the tables that [TableArgument]
// makes.
const (
	TableBits    = 12
	tableThreads = 256
)

// OfModel describes the kernels that are cut for a model, with tables of so many bits and so many threads a block of
// decode_native: the ones of our own, and the last one with the published kernel's arguments.
func OfModel(tableBits, nativeThreads int) []Launch {
	return append(ownLaunches(tableBits, nativeThreads), Launch{Entry: "decode", Threads: 512, TableBits: tableBits})
}

// OfAnyBook describes the kernels that are cut for no model, and are handed the table of a unit's code book.
func OfAnyBook() []Launch {
	launches := ownLaunches(TableBits, tableThreads)
	for i := range launches {
		launches[i].Entry += "_table"
		launches[i].Table = true
	}
	return launches
}

// ownLaunches describes the kernels of our own.
func ownLaunches(tableBits, nativeThreads int) []Launch {
	return []Launch{
		{Entry: "decode_tiles", Threads: 256, TableBits: tableBits, Tiles: true, Strides: true, Reports: true},
		{Entry: "decode_native", Threads: nativeThreads, TableBits: tableBits, Sized: true, Reports: true},
		{Entry: "matvec", Threads: 256, TableBits: tableBits, Tiles: true, Product: true, Strides: true, Reports: true},
	}
}
