// Package kernel is the contract between generated decoders and package runtime.
// Only generated code and package runtime import it.
//
// A generated package lists one [Decoder] for each of its code books. Package runtime builds the
// [Table] and the [Long] list that the decoder asks for, keeps one [Job] a worker, points its lanes
// at chunks of a stream and calls Decoder.Decode until the chunks are done.
//
// # What a decoder promises
//
// Decode runs all lanes of the job side by side and returns when some lane is nearer than [Slack]
// elements to its end, nearer than [SrcSlack] bytes to the end of the stream, or has stopped before
// bits that no code begins with. On return every lane says how far it came. Whatever the stream
// holds, Decode
//
//   - reads only [Lane.Src, Lane.SrcLast+8), Left bytes from Lane.SignMantissa, the table and the list,
//   - writes only Left words from Lane.Dst, Lane itself and the scratch memory of the job,
//   - ends: every step of it either moves all lanes or is the last.
//
// What Decode leaves over (the last few weights of a lane, bad streams, checks at the end of a
// chunk) is the work of the portable decoder in package runtime, so that there is one place for
// errors.
package kernel
