// Package kernel is the contract between generated decoders and package runtime.
// Only generated code and package runtime import it.
//
// A generated package lists a [Decoder] of each [Form] for each of its code books. Package runtime builds
// the [Table] or [SlotTable] and the [Long] list that the decoder asks for, keeps one [Job] a worker, points
// its lanes at chunks of a stream and calls Decoder.Decode until the chunks are done.
//
// # What a decoder promises
//
// A turn of a lane is as many table lookups and refills as the decoder makes before it starts over: at most
// [Form.TurnSymbols] symbols of at most [TurnBytes] bytes of stream. Decode runs all lanes of the job side by
// side, for as many turns as all of them have room for but at most as many as the job asks for and at
// most [BatchTurns]. There is room for a turn while no lane is nearer than [Form.Slack] elements to its end or
// nearer than [SrcSlack] bytes to the end of the stream. A lane that stands before bits that no code begins
// with does not move. On return every lane says how far it came; where it came to the border of a chunk,
// [Job.Marks] say where it was shortly before. Whatever the stream holds, Decode
//
//   - reads only [Lane.Src, Lane.SrcLast+8), Left bytes from Lane.SignMantissa, the table and the list,
//   - writes only Left words from Lane.Dst, the lanes and marks of the job, and its scratch memory,
//   - ends after BatchTurns turns at most.
//
// With form [Bytes] some of the words that it writes lie behind the last one decoded, and mean nothing. With
// form [Slots] all are good, but the last symbols wait for the next call: [Job.Pending].
//
// A lane may run on from one chunk into the next; that the one ends where the other begins is for
// package runtime to check, by the marks. What Decode leaves over (the last few weights of a stream,
// bad streams) is the work of the portable decoder in package runtime, so that there is one place
// for errors.
package kernel
