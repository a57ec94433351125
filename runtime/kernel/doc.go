// Package kernel is the contract between decoders in assembly or CUDA and package runtime, which drives them.
// Generated packages import it to say what they have; what they have is made for version [ABI] of the contract.
//
// # AVX-512: windows
//
// A generated package lists a [WindowDecoder] for each of its code books. Package runtime makes the [WindowTables] of the
// book, keeps one [WindowJob] a worker, and hands it blocks of 128 windows of the stream.
//
// # AVX2: lanes
//
// Package runtime has the only decoder of lanes itself. It takes any book, by a [Table] and a list of [Long] codes. A [Job]
// points its lanes at runs of chunks of a stream. A turn of a lane is as many table lookups and refills as the decoder
// makes before it starts over: at most [TurnSymbols] symbols of at most [TurnBytes] bytes of stream. A call runs all
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
// Some of the words that it writes lie behind the last one decoded, and mean nothing.
//
// # What is left to Go
//
// That a chunk ends where the next one begins is for package runtime to check, and so are the weights that decoders
// leave over: the last few of a stream, and those of streams that are not sound. So there is one place for errors.
//
// # CUDA
//
// A [CUDALaunch] says how a kernel in CUDA is launched, a [CUDABook] what its tables are made of.
package kernel
