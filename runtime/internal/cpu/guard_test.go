//go:build unix

package cpu

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/guard"
	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/windows"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestGuardPages decodes sound and broken streams next to pages that must not be touched. Such pages are next to
// the stream, sign_mantissa, gaps, the destination and the tables.
func TestGuardPages(t *testing.T) {
	for _, bc := range samples.Books() {
		for _, dc := range newDecoderCases(bc.Book) { // not shared with other tests, because their tables are moved
			t.Run(bc.Name+"/"+dc.name, func(t *testing.T) {
				guardTables(t, dc.decoder)
				for _, n := range []int{1, 15, 63, 64, 200, 3000, 30_000} {
					s, err := codebook.Encode(bc.Book, bc.Weights[:n])
					if err != nil {
						t.Fatal(err)
					}
					for _, end := range []bool{true, false} {
						fenced := fence(t, s, end)
						dst := fencedCopy[uint16](t, make([]uint16, n), end)
						if bad := dc.decoder.decode(fenced, 0, s.Chunks(), dst); bad != s.Chunks() || !slices.Equal(dst, bc.Weights[:n]) {
							t.Fatalf("%d weights: wrong, first bad chunk %d of %d", n, bad, s.Chunks())
						}
						r := samples.NewRand(n)
						for range 10 {
							copy(fenced.Encoded, s.Encoded)
							samples.Damage(r, fenced.Encoded)
							dc.decoder.decode(fenced, 0, s.Chunks(), dst)
						}
					}
				}
			})
		}
	}
}

// TestGuardedEnds decodes streams that end near the borders of blocks and of chunks, right before a page that must
// not be touched. Their last chunk has a few bytes, or only the end of a code. No chunk may be rejected.
func TestGuardedEnds(t *testing.T) {
	bc := samples.Books()[1]
	decoders := newDecoderCases(bc.Book)
	sizes := map[int]bool{} // of streams
	for _, border := range []int{windows.BlockBytes, codebook.ChunkBytes} {
		for d := -20; d <= 24; d++ {
			sizes[border+d] = true
		}
	}
	bits, empty := 0, false
	for i, w := range bc.Weights {
		before := bits
		bits += int(bc.Book.Code(codebook.Exponent(w)).Length)
		size := (bits + 7) / 8
		if size > codebook.ChunkBytes+24 {
			break
		}
		first := before/codebook.ChunkBits < (bits-1)/codebook.ChunkBits // the last code begins in the last chunk but one
		if !first && !sizes[size] {
			continue
		}
		empty = empty || first
		sizes[size] = false // one stream of each is enough
		weights := bc.Weights[:i+1]
		s := fence(t, samples.Must(codebook.Encode(bc.Book, weights)), true)
		dst := fencedCopy(t, make([]uint16, len(weights)), true)
		for _, dc := range decoders {
			clear(dst)
			if bad := dc.decoder.decode(s, 0, s.Chunks(), dst); bad != s.Chunks() || !slices.Equal(dst, weights) {
				t.Fatalf("%s: stream of %d bytes: wrong, first bad chunk %d of %d", dc.name, size, bad, s.Chunks())
			}
		}
	}
	if !empty {
		t.Error("no chunk without elements")
	}
}

// TestGuardedRoom decodes a stream that has more codes than the index has elements. Nothing may be written behind
// the elements.
func TestGuardedRoom(t *testing.T) {
	bc := samples.Books()[1]
	for _, n := range []int{1, 1000, 9000} {
		s := *samples.Must(codebook.Encode(bc.Book, bc.Weights[:10_000]))
		s.SignMantissa = s.SignMantissa[:n]
		s.OutputPositions = binary.LittleEndian.AppendUint32(make([]byte, 4), uint32(n))
		fenced := fence(t, &s, true)
		dst := fencedCopy(t, make([]uint16, n), true)
		for _, dc := range newDecoderCases(bc.Book) {
			if bad := dc.decoder.decode(fenced, 0, 1, dst); bad != 0 {
				t.Errorf("%s: %d elements: accepted", dc.name, n)
			}
		}
	}
}

// fence copies the tensors of a stream that decoders read to guarded memory.
func fence(t *testing.T, s *codebook.Stream, end bool) *stream {
	fenced := *s
	fenced.Encoded = fencedCopy(t, s.Encoded, end)
	fenced.SignMantissa = fencedCopy(t, s.SignMantissa, end)
	fenced.Gaps = fencedCopy(t, s.Gaps, end)
	return samples.Must(newStream(fenced))
}

// guardTables moves the tables of a decoder to guarded memory.
func guardTables(t *testing.T, d Decoder) {
	switch d := d.(type) {
	case *portable:
		d.table = fencedTable(t, d.table)
	case *byStrands:
		d.portable.table = fencedTable(t, d.portable.table)
		d.long = fencedCopy(t, d.long, false)
	case *byWindows:
		d.tables = &fencedCopy(t, []windows.Tables{*d.tables}, true)[0]
	}
}

// fencedTable copies a table to memory that ends at a forbidden page.
func fencedTable(t *testing.T, table *lookup.Table) *lookup.Table {
	return (*lookup.Table)(fencedCopy(t, table[:], true))
}

// fencedCopy copies s to memory that ends, or begins, at a forbidden page.
func fencedCopy[T any](t *testing.T, s []T, end bool) []T {
	fenced := guard.AfterOf[T](t, len(s))
	if end {
		fenced = guard.BeforeOf[T](t, len(s))
	}
	copy(fenced, s)
	return fenced
}
