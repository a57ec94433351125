package cpu

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cost"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestDamagedStreams compares the errors of every decoder with those of the reference, with one worker and with
// several.
func TestDamagedStreams(t *testing.T) {
	for _, bc := range samples.Books() {
		n := min(len(bc.Weights), 20_000)
		sound, err := codebook.Encode(bc.Book, bc.Weights[:n])
		if err != nil {
			t.Fatal(err)
		}
		t.Run(bc.Name, func(t *testing.T) {
			decoders := decoderCases(t, bc.Book)
			r := samples.NewRand(1)
			causes := map[codebook.Cause]int{}
			for range testenv.Pick(15, 25) {
				s := *sound
				s.Encoded = slices.Clone(s.Encoded)
				s.Gaps = slices.Clone(s.Gaps)
				s.OutputPositions = slices.Clone(s.OutputPositions)
				switch r.IntN(5) {
				case 0: // a chunk starts elsewhere
					s.Gaps[codebook.ChunkWindows*codebook.GapBits/8*r.IntN(s.Chunks())] ^= 1 << (3 + r.IntN(5))
				case 1: // chunks have other numbers of elements
					p := s.OutputPositions[4*r.IntN(s.Chunks()):]
					binary.LittleEndian.PutUint32(p, binary.LittleEndian.Uint32(p)+uint32(r.IntN(5))-2)
				case 2: // the stream is shorter or longer
					s.Encoded = append(s.Encoded[:len(s.Encoded)-r.IntN(3)], make([]byte, r.IntN(2))...)
				default:
					samples.Damage(r, s.Encoded)
				}
				if s.Validate() != nil {
					continue
				}
				for _, dc := range decoders {
					if e := sameAsReference(t, dc, bc.Book, &s, 3); e != nil {
						causes[e.Cause]++
					}
				}
			}
			t.Logf("causes met: %v", causes)
		})
	}
}

// sameAsReference decodes a stream with a decoder and with the reference, and compares weights and errors. It
// returns their error.
func sameAsReference(t *testing.T, dc decoderCase, b *codebook.Book, s *codebook.Stream, workers int) *codebook.StreamError {
	t.Helper()
	want := make([]uint16, s.Elements())
	wantErr := referenceDecode(b, want, s)
	got := make([]uint16, s.Elements())
	u := &checkedUnit{Unit: &coded.Unit{Path: "file", Name: "u", Book: b}, stream: samples.Must(newStream(*s)), decoder: dc.decoder}
	err := newTask(u, workers, 0, s.Chunks(), got, nil).Run(context.Background())
	var streamErr *codebook.StreamError
	switch {
	case wantErr == nil && err == nil:
		if !slices.Equal(got, want) {
			t.Errorf("%s: other weights than the reference", dc.name)
		}
	case !errors.As(err, &streamErr) || wantErr == nil || *streamErr != *wantErr:
		t.Errorf("%s: error %v, want %v", dc.name, err, wantErr)
	}
	return wantErr
}

// referenceDecode decodes all chunks one after another. Unlike codebook.Decode it takes a book, so it can decode
// with books that cannot be written as luts.
func referenceDecode(b *codebook.Book, dst []uint16, s *codebook.Stream) *codebook.StreamError {
	for c := range s.Chunks() {
		from, _ := s.ChunkStart(c)
		to, _ := s.ChunkStart(c + 1)
		if err := codebook.DecodeChunk(b, s, c, dst[from:to]); err != nil {
			return err.(*codebook.StreamError)
		}
	}
	return nil
}

// FuzzDecode compares every decoder with the reference on arbitrary streams of arbitrary books.
func FuzzDecode(f *testing.F) {
	for i, bc := range samples.Books() {
		s, err := codebook.Encode(bc.Book, bc.Weights[:300])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), s.Encoded, s.SignMantissa, uint16(0), uint8(0))
	}
	f.Fuzz(func(t *testing.T, which uint8, encoded, sm []byte, position uint16, gap uint8) {
		cost.Bounded(t, len(encoded)+len(sm), 64<<20, 1000, func() {
			cases := samples.Books()
			b := cases[int(which)%len(cases)].Book
			s := codebook.Stream{Luts: b.Luts(), Encoded: encoded, SignMantissa: sm}
			s.Gaps = make([]byte, codebook.ChunkWindows*codebook.GapBits/8*s.Chunks())
			for c := range s.Chunks() {
				s.Gaps[codebook.ChunkWindows*codebook.GapBits/8*c] = gap << (8 - codebook.GapBits)
			}
			for c := range s.Chunks() + 1 {
				p := min(c*int(position), len(sm))
				if c == s.Chunks() {
					p = len(sm)
				}
				s.OutputPositions = binary.LittleEndian.AppendUint32(s.OutputPositions, uint32(p))
			}
			if s.Validate() != nil {
				t.Skip()
			}
			for _, dc := range decoderCases(t, b) {
				sameAsReference(t, dc, b, &s, 1)
			}
		})
	})
}
