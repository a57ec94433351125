package cpu

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"testing"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/windows"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
	"github.com/seed54244801/bespoke/runtime/internal/shapes"
)

// TestFewMended counts the windows that decoders leave to Go. Other tests would not notice too many of them,
// because the weights are right all the same.
func TestFewMended(t *testing.T) {
	if missing := Missing(AVX512); missing != "" {
		t.Skip(missing)
	}
	all := samples.Books()
	for _, tc := range []struct {
		book  string
		shape int     // -1 for that of any book
		most  float64 // the share of windows that may fail
	}{
		{"limit=10", -1, 0.001},
		{"limit=11", -1, 0.001},
		{"limit=12", -1, 0.001},
		{"natural", -1, 0.02},
		{"six", 0, 0.001},
		{"limit=11", 1, 0.01},
		{"limit=12", 2, 0.001},
		{"limit=12", 3, 0.01},
	} {
		decoder := anyWindows
		if tc.shape >= 0 {
			decoder = shapes.Windows()[tc.shape]
		}
		i := slices.IndexFunc(all, func(bc samples.Book) bool { return bc.Name == tc.book })
		bc := all[i]
		blocks, failed := 0, 0
		p := newPortable(bc.Book)
		w, ok := newWindows(p, p, func(j *windows.Job) {
			before := j.Blocks
			decoder(j)
			blocks += int(before - j.Blocks)
			if j.Status == windows.BlockFailed {
				for _, lanes := range j.Failed {
					failed += bits.OnesCount32(lanes)
				}
			}
		})
		if !ok {
			t.Fatalf("%s cannot be decoded by windows", bc.Name)
		}
		checkDecode(t, bc.Book, w, bc.Weights)
		if want := len(samples.Must(codebook.Encode(bc.Book, bc.Weights)).Encoded)/windows.BlockBytes - 1; blocks < want {
			t.Errorf("%s, shape %d: %d blocks decoded, want %d", tc.book, tc.shape, blocks, want)
		}
		if share := float64(failed) / float64(blocks*windows.BlockWindows); share > tc.most {
			t.Errorf("%s, shape %d: %d of %d windows failed", tc.book, tc.shape, failed, blocks*windows.BlockWindows)
		}
	}
}

// FuzzWindows compares every decoder with the reference on streams of more than a chunk. The streams are sound,
// except a few bits of codes or gaps, which decoders of windows rely on.
func FuzzWindows(f *testing.F) {
	f.Add(uint8(1), []byte("some weights"), uint32(0), uint8(0), false)
	f.Add(uint8(2), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 250}, uint32(777), uint8(3), true)
	f.Add(uint8(5), []byte{17, 17, 17, 0, 17, 17}, uint32(99999), uint8(255), false)
	f.Fuzz(func(t *testing.T, which uint8, data []byte, at uint32, flip uint8, gaps bool) {
		if len(data) == 0 || len(data) > 1<<12 {
			t.Skip()
		}
		cases := samples.Books()
		b := cases[int(which)%len(cases)].Book
		symbols := b.Symbols()
		weights := make([]uint16, 15_000)
		for i := range weights {
			d := data[i%len(data)] + uint8(i/len(data))
			weights[i] = codebook.Join(symbols[int(d)%len(symbols)], d)
		}
		s := samples.Must(codebook.Encode(b, weights))
		damaged := s.Encoded
		if gaps {
			damaged = s.Gaps
		}
		damaged[int(at)%len(damaged)] ^= flip
		if s.Validate() != nil {
			t.Skip()
		}
		for _, dc := range decoderCases(t, b) {
			sameAsReference(t, dc, b, s, 1)
		}
	})
}

// TestFlippedBits compares every decoder with the reference on a stream with one bit of its codes or its index
// flipped. Bits that no code begins with must not be taken for a code, even if the bits behind them are those of a
// long code.
func TestFlippedBits(t *testing.T) {
	var lengths [256]uint8
	copy(lengths[120:], []uint8{2, 2, 2, 3, 9, 9})
	book := samples.Must(codebook.NewCanonical(&lengths, 0))
	weights := make([]uint16, 1750)
	for i := range weights {
		weights[i] = codebook.Join(uint8(120+[]int{0, 4, 3, 5, 1, 4, 2}[i*i%61%7]), uint8(i))
	}
	sound := samples.Must(codebook.Encode(book, weights))
	if n := len(sound.Encoded); n < windows.BlockBytes+codebook.WindowBytes {
		t.Fatalf("a stream of %d bytes has no block", n)
	}
	decoders := newDecoderCases(book)
	for _, of := range []func(*codebook.Stream) *[]byte{
		func(s *codebook.Stream) *[]byte { return &s.Encoded },
		func(s *codebook.Stream) *[]byte { return &s.Gaps },
		func(s *codebook.Stream) *[]byte { return &s.OutputPositions },
	} {
		s := *sound
		flipped := of(&s)
		*flipped = slices.Clone(*flipped)
		for bit := 0; bit < 8*len(*flipped); bit += 11 {
			(*flipped)[bit/8] ^= 1 << (bit % 8)
			if s.Validate() == nil {
				for _, dc := range decoders {
					sameAsReference(t, dc, book, &s, 1)
				}
			}
			(*flipped)[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// TestWindowPointers decodes a chunk up to the end of its memory, and checks the pointers of the job. Go's garbage
// collector ends a program that has pointers past their memory.
func TestWindowPointers(t *testing.T) {
	if missing := Missing(AVX512); missing != "" {
		t.Skip(missing)
	}
	var lengths [256]uint8
	copy(lengths[120:], []uint8{2, 2, 2})
	book := samples.Must(codebook.NewCanonical(&lengths, 0))
	weights := make([]uint16, 3*codebook.ChunkBits/2)
	for i := range weights {
		weights[i] = codebook.Join(uint8(120+i%3), uint8(i))
	}
	s := samples.Must(newStream(*samples.Must(codebook.Encode(book, weights))))
	dst := make([]uint16, 2*codebook.ChunkBits/2) // of whole pages
	p := newPortable(book)
	w, _ := newWindows(p, p, func(j *windows.Job) {
		anyWindows(j)
		if !inside(j.Dst, dst) || !inside(j.SignMantissa, s.SignMantissa) || !inside(j.Src, s.Encoded) || !inside(j.Gaps, s.gaps) {
			t.Errorf("%d blocks are left, %d words merged: a pointer past its memory", j.Blocks, j.Merged)
		}
	})
	if w.decode(s, 0, 2, dst) != 2 || !slices.Equal(dst, weights[:len(dst)]) {
		t.Error("decoded others than were coded")
	}
}

// inside reports whether a pointer points to an element.
func inside[T any](p *T, s []T) bool {
	first := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	return uintptr(unsafe.Pointer(p)) >= first && uintptr(unsafe.Pointer(p)) < first+uintptr(len(s))*unsafe.Sizeof(*p)
}

// TestWindowAlignment decodes to memory that starts at any address, odd ones included. Memory around it must not
// change.
func TestWindowAlignment(t *testing.T) {
	if missing := Missing(AVX512); missing != "" {
		t.Skip(missing)
	}
	bc := samples.Books()[1]
	weights := bc.Weights[:20_000]
	s := samples.Must(newStream(*samples.Must(codebook.Encode(bc.Book, weights))))
	memory := make([]byte, 2*len(weights)+3*windows.LineSize)
	for _, dc := range newDecoderCases(bc.Book) {
		for at := 1; at <= windows.LineSize+1; at++ {
			for i := range memory {
				memory[i] = 0xa5
			}
			dst := unsafe.Slice((*uint16)(unsafe.Pointer(&memory[at])), len(weights))
			if bad := dc.decoder.decode(s, 0, s.Chunks(), dst); bad != s.Chunks() || !slices.Equal(dst, weights) {
				t.Fatalf("%s: wrong at byte %d, first bad chunk %d", dc.name, at, bad)
			}
			outside := append(memory[:at:at], memory[at+2*len(weights):]...)
			if slices.ContainsFunc(outside, func(b byte) bool { return b != 0xa5 }) {
				t.Fatalf("%s: wrote beside byte %d and those that follow", dc.name, at)
			}
		}
	}
}

// TestWindowChunkStarts changes the starts of chunks in the file after they were read. Decoders must use the copy,
// and must not reject a chunk.
func TestWindowChunkStarts(t *testing.T) {
	bc := samples.Books()[1]
	for _, dc := range newDecoderCases(bc.Book) {
		coded := samples.Must(codebook.Encode(bc.Book, bc.Weights))
		s := samples.Must(newStream(*coded))
		for c := range s.Chunks() {
			coded.Gaps[c*windows.ChunkBlocks*windows.BlockGaps] ^= 0xff &^ (1<<(8-codebook.GapBits) - 1)
		}
		dst := make([]uint16, len(bc.Weights))
		if bad := dc.decoder.decode(s, 0, s.Chunks(), dst); bad != s.Chunks() || !slices.Equal(dst, bc.Weights) {
			t.Errorf("%s: wrong, first bad chunk %d of %d", dc.name, bad, s.Chunks())
		}
	}
}

// TestWindowEmptyChunk adds bytes that no code needs to a last chunk without elements. All windows of the chunk
// before it lead to the next ones, but the chunk does not end at the end of the stream.
func TestWindowEmptyChunk(t *testing.T) {
	bc := samples.Books()[1]
	s := *samples.Must(codebook.Encode(bc.Book, bc.Weights))
	n, _ := s.ChunkStart(1)
	s.SignMantissa, s.Encoded = s.SignMantissa[:n], s.Encoded[:codebook.ChunkBytes+12]
	s.Gaps = s.Gaps[:2*windows.ChunkBlocks*windows.BlockGaps]
	s.OutputPositions = binary.LittleEndian.AppendUint32(slices.Clone(s.OutputPositions[:8]), uint32(n))
	for _, dc := range newDecoderCases(bc.Book) {
		if err := sameAsReference(t, dc, bc.Book, &s, 1); err == nil || err.Cause != codebook.CountMismatch {
			t.Errorf("error %v", err)
		}
	}
}

// TestWindowInnerGaps damages gaps inside of chunks, which only decoders of windows use. The chunks that they
// reject are decoded by the reference, and chunks that were decoded before stay valid.
func TestWindowInnerGaps(t *testing.T) {
	bc := samples.Books()[1]
	s := *samples.Must(codebook.Encode(bc.Book, bc.Weights[:60_000]))
	r := samples.NewRand(1)
	for range 20 {
		damaged := s
		damaged.Gaps = slices.Clone(s.Gaps)
		for range 2 {
			at := r.IntN(s.Chunks())*windows.ChunkBlocks*windows.BlockGaps + 1 + r.IntN(windows.BlockGaps)
			damaged.Gaps[at] ^= 1 << r.IntN(8)
		}
		for _, dc := range newDecoderCases(bc.Book) {
			if err := sameAsReference(t, dc, bc.Book, &damaged, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
}
