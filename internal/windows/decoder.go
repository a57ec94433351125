package windows

import "github.com/seed54244801/bespoke/codebook"

// A Decoder decodes the codes of 32 windows side by side. A window is 8 bytes of the stream, and its gap says where
// its first code starts. A Decoder needs AVX-512 with VBMI and VBMI2. It holds its [Tables] in vector registers.
//
// # What a call does
//
// The decoder decodes the blocks of a [Job], one after the other. It follows the codes of each window from its gap
// on, and compares their end with the gap of the next window. If all windows of a block lead to the next one, it
// appends their symbols to the pending ones. It merges pending symbols with sign_mantissa bytes, [MergeWords] words
// at a time. It stops with one of these as Status:
//
//   - [BlockFailed]: it could not follow some windows of a block. Codes are too long for the tables, bits are the
//     start of no code, or the codes do not lead to the next gap. Failed has the numbers of these windows. When the
//     caller has set their rows to the symbols, it sets Resume, and the next call goes on behind them.
//   - [BlockOverflow]: a block has more symbols than there is room for. None of them is merged.
//   - [BlockDone]: all blocks are decoded. Symbols of the last block are still pending. A call without blocks
//     merges them, except the last few.
//
// Whatever the stream and its gaps hold, a decoder
//
//   - reads only these bytes: for each block [BlockBytes] of stream and 8 more, and [BlockGaps] of gaps and one
//     more, but not that one for a last block with NextGap; and the sign_mantissa byte of each word that it writes,
//   - writes only words whose symbols it has decoded, the job, and its scratch memory.
type Decoder func(*Job)

const (
	// LaneWindows is the number of windows in a vector of 16-bit lanes. GroupsPerBlock is the number of such
	// vectors in a block. The decoder works on them in turn, so that none waits for its own lookups.
	LaneWindows    = 32
	GroupsPerBlock = 4

	// BlockWindows is the number of windows of a block. BlockBytes is the size of the windows, and BlockGaps is the
	// size of their gaps, both in bytes. A chunk has ChunkBlocks blocks.
	BlockWindows = LaneWindows * GroupsPerBlock
	BlockBytes   = BlockWindows * codebook.WindowBytes
	BlockGaps    = BlockWindows * codebook.GapBits / 8
	ChunkBlocks  = codebook.ChunkBytes / BlockBytes

	// Phases is the number of parts of a window. Each has 16 bits, and all lanes wait for one another at its end.
	// PhaseSteps is the number of lookups in a phase. It is enough for codes of 2 bits or more.
	Phases     = 4
	PhaseSteps = 8

	// RowSymbols bounds the symbols of a window.
	RowSymbols = Phases * PhaseSteps

	// LineSize is the size of a cache line in bytes. MergeWords is the number of words of a merge, which are two
	// lines.
	LineSize   = 64
	MergeWords = 64

	// NoGap as NextGap makes the decoder look the gap up. OtherGap is one of the other values that no gap has: no
	// window leads to it.
	NoGap    = 0xff
	OtherGap = 0xfe
)

// The reasons for which a decoder stops.
const (
	BlockDone     = iota // all blocks are decoded
	BlockFailed          // the caller has to decode some windows
	BlockOverflow        // more symbols than there is room for
)
