// Package lanes is what the decoder of lanes, for AVX2, is handed. Package avo writes the decoder, and package cpu of the
// runtime drives it. It takes any code book, by a [lookup.Table] and a list of [lookup.Long] codes.
//
// A [Job] points its lanes at runs of chunks of a stream. A turn of a lane is as many table lookups and refills as the
// decoder makes before it starts over: at most [TurnSymbols] symbols of at most [TurnBytes] bytes of stream. A call runs all
// lanes of the job side by side, for as many turns as all of them have room for but at most as many as the job asks for
// and at most [BatchTurns]. There is room for a turn while no lane is nearer than [Slack] elements to its end or nearer
// than [SrcSlack] bytes to the end of the stream. A lane that stands before bits that no code begins with does not
// move. On return every lane says how far it came; where it came to the border of a chunk, [Job.Marks] say where it
// was shortly before. Whatever the stream holds, the decoder
//
//   - reads only [Lane.Src, Lane.SrcLast+8), Left bytes from Lane.SignMantissa, the table and the list,
//   - writes only Left words from Lane.Dst, the lanes and marks of the job, and its scratch memory,
//   - ends after BatchTurns turns at most.
//
// Some of the words that it writes lie behind the last one decoded, and mean nothing. That a chunk ends where the next one
// begins is for the caller to check, and so are the last few weights of a stream, which the decoder leaves over.
package lanes
