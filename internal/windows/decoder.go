package windows

import "github.com/seed54244801/bespoke/codebook"

// A Decoder decodes the codes of 32 windows side by side, a window being 8 bytes of the stream whose first code
// starts where its gap says. It needs AVX-512 with VBMI and VBMI2. It holds its tables in vector registers: what
// they are is told by [Tables].
//
// # What it promises
//
// Decode works on the blocks of a [Job], one after the other. It follows the codes of each window from its gap on
// and sees whether they lead to the gap of the next one. Where they do in all windows of a block, it appends their
// symbols to those that are pending, and merges what is pending with sign_mantissa bytes, [MergeWords] words
// at a time. It stops
//
//   - at [BlockFailed], where some windows of a block could not be followed: the codes are too long for the tables, or
//     there is no such code, or they don't lead to the next gap. Their numbers are in Failed. Once their rows
//     hold the symbols, Decode goes on behind them if Resume is set;
//   - at [BlockOverflow], where a block has more symbols than there is room for: none of them is merged;
//   - at [BlockDone].
//
// The symbols of the last block stay pending then: a call without blocks merges them, but for the last few.
//
// Whatever the stream and its gaps hold, Decode
//
//   - reads only [BlockBytes] of stream for a block and 8 more, [BlockGaps] bytes of gaps for a block and, but for a
//     last block with NextGap, one more, and the sign_mantissa byte of each word that it writes,
//   - writes only words whose symbols it has decoded, the job, and its scratch memory.
type Decoder func(*Job)

const (
	// LaneWindows is the number of windows that a vector of 16-bit lanes holds, GroupsPerBlock that of the vectors
	// which are worked on in turn, so that none waits for its lookups.
	LaneWindows    = 32
	GroupsPerBlock = 4

	// BlockWindows is the number of windows of a block, BlockBytes that of their bytes, BlockGaps that of the bytes
	// of their gaps. A chunk is ChunkBlocks blocks.
	BlockWindows = LaneWindows * GroupsPerBlock
	BlockBytes   = BlockWindows * codebook.WindowBytes
	BlockGaps    = BlockWindows * codebook.GapBits / 8
	ChunkBlocks  = codebook.ChunkBytes / BlockBytes

	// Phases is the number of parts of a window, of 16 bits, after each of which all lanes wait for each other, and
	// PhaseSteps that of the lookups in each: codes of 2 bits or more need no more.
	Phases     = 4
	PhaseSteps = 8

	// RowSymbols bounds the symbols of a window.
	RowSymbols = Phases * PhaseSteps

	// LineSize is a cache line in bytes, MergeWords the number of words that one merge writes: two lines.
	LineSize   = 64
	MergeWords = 64

	// NoGap is a NextGap that says: look it up. Other values that no gap has, such as OtherGap, are what no window leads to.
	NoGap    = 0xff
	OtherGap = 0xfe
)

// Why Decode stopped.
const (
	BlockDone     = iota // all blocks are decoded
	BlockFailed          // there are windows to be decoded by other means
	BlockOverflow        // more symbols than there is room for
)
