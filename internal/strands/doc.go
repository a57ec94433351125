// Package strands has what the decoder of strands, for AVX2, is handed. Package avo generates the decoder. Package
// cpu of the runtime calls it. The decoder takes any code book, as a [lookup.Table] and a list of [lookup.Long]
// codes.
//
// A [Job] has [Count] strands. Each [Strand] is a sequence of codes in a stream. The decoder decodes the strands
// side by side, in turns. A turn decodes at most [TurnSymbols] symbols of each strand, from at most [TurnBytes]
// bytes of its stream.
//
// A call of the decoder takes the same number of turns for all strands: as many as every strand has room for, but
// no more than the job asks for, and no more than [CallTurns]. A strand has room for a turn if it has at least
// [Slack] elements left and is at least [SrcSlack] bytes before [Strand.SrcLast]. A strand does not move if no code
// begins with its next bits. After the call, each strand tells how far it came. If it came to the border of a
// chunk, [Job.Marks] tell where it was shortly before the border. Whatever the stream holds, the decoder
//
//   - reads only [Strand.Src, Strand.SrcLast+8), Left bytes from Strand.SignMantissa, the table and the list,
//   - writes only Left words from Strand.Dst, the strands and marks of the job, and its scratch memory,
//   - ends after CallTurns turns at most.
//
// Words behind the last decoded one may be overwritten with anything. The caller has to check that a chunk ends
// where the next one begins. It also has to decode the last few weights of a stream, because the decoder stops
// before them.
package strands
