// Package kernel is the contract between generated decoders and package runtime.
// Only generated code and package runtime import it.
//
// A generated package lists one [Decoder] for each of its code books. Package runtime builds the
// [Table] and the [Long] list that the decoder asks for, keeps one [Job] a worker, points its lanes
// at chunks of a stream and calls Decoder.Decode until the chunks are done.
//
// # What a decoder promises
//
// A turn of a lane is as many table lookups and refills as the decoder makes before it starts over:
// at most [TurnSymbols] symbols of at most [TurnBytes] bytes of stream. Decode runs all lanes of the
// job side by side, for as many turns as all of them have room for but at most [BatchTurns]. There is
// no room when some lane is nearer than [Slack] elements to its end or nearer than [SrcSlack] bytes
// to the end of the stream. A lane that stands before bits that no code begins with does not move.
// On return every lane says how far it came, and [Job.Marks] where it was in each turn. Whatever
// the stream holds, Decode
//
//   - reads only [Lane.Src, Lane.SrcLast+8), Left bytes from Lane.SignMantissa, the table and the list,
//   - writes only Left words from Lane.Dst, the lanes and marks of the job, and its scratch memory,
//   - ends after BatchTurns turns at most.
//
// Among the words that it writes are some behind the last one decoded, which mean nothing.
//
// A lane may run on from one chunk into the next; that the one ends where the other begins is for
// package runtime to check, by the marks. What Decode leaves over (the last few weights of a lane,
// bad streams) is the work of the portable decoder in package runtime, so that there is one place
// for errors.
package kernel
