//go:build cuda

package gpu

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
)

// tensorsOf is a stream of tensors with these sizes, which nobody looks into.
func tensorsOf(luts, encoded, signMantissa, positions, gaps, tiles int) *codebook.Stream {
	of := func(n int) []byte { return make([]byte, n) }
	return &codebook.Stream{
		Luts: of(luts), Encoded: of(encoded), SignMantissa: of(signMantissa),
		OutputPositions: of(positions), Gaps: of(gaps), Tiles: of(tiles),
	}
}

// TestLayout lays a unit out for kernels that read different tensors of it.
func TestLayout(t *testing.T) {
	s := tensorsOf(512, 255, 300, 8, 320, 80)
	table := make([]byte, 16)
	const at, output, word = 0x10000, 0x20000, 0x30000
	for _, tc := range []struct {
		name      string
		launch    launch.Launch
		bytes     int64
		operands  []uint64
		numbers   []uint64
		arguments []uint64
	}{
		{"published", launch.Launch{}, 768 + 256 + 512 + 256 + 512, []uint64{output}, nil,
			[]uint64{at, at + 768, at + 1024, at + 1536, at + 1792, output, 2, 255, 300}},
		{"by gaps", launch.Launch{Reports: true}, 768 + 256 + 512 + 256 + 512, []uint64{output}, nil,
			[]uint64{at, at + 768, at + 1024, at + 1536, at + 1792, output, 2, 255, 300, 7, word}},
		{"by gaps, with a table", launch.Launch{Reports: true, Table: true}, 768 + 256 + 512 + 256 + 512 + 256, []uint64{output}, nil,
			[]uint64{at, at + 768, at + 1024, at + 1536, at + 1792, output, 2, 255, 300, 7, word, at + 2304}},
		{"by tiles", launch.Launch{Tiles: true, Reports: true}, 768 + 256 + 512 + 256, []uint64{output}, nil,
			[]uint64{at, at + 768, at + 1024, at + 1536, output, 2, 255, 300, 7, word}},
		{"a product, with a table", launch.Launch{Tiles: true, Product: true, Reports: true, Table: true}, 768 + 256 + 512 + 256 + 256, []uint64{1, 2}, []uint64{3, 4, 5, 6},
			[]uint64{at, at + 768, at + 1024, at + 1536, 1, 2, 2, 255, 300, 3, 4, 5, 6, 7, word, at + 1792}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := NewLayout("u", 7, s, &tc.launch, table)
			if l.Bytes != tc.bytes {
				t.Errorf("%d bytes, want %d", l.Bytes, tc.bytes)
			}
			if got := l.arguments(&tc.launch, at, tc.operands, tc.numbers, word); !slices.Equal(got, tc.arguments) {
				t.Errorf("arguments %#x, want %#x", got, tc.arguments)
			}
		})
	}
}

// TestLayoutAlignment has tensors of any size start where an allocation may, without overlap, and leaves a byte behind
// each.
func TestLayoutAlignment(t *testing.T) {
	for n := range 600 {
		l := NewLayout("u", 0, tensorsOf(n, n+1, n+2, 0, 0, n+3), &launch.Launch{Tiles: true, Table: true}, nil)
		end := int64(0)
		for i, tensor := range l.tensors {
			if l.offsets[i]%tensorAlign != 0 || l.offsets[i] < end {
				t.Fatalf("n = %d: tensor %d at %d, the one before ends at %d", n, i, l.offsets[i], end)
			}
			end = l.offsets[i] + int64(len(tensor)) + 1
		}
		if l.Bytes < end {
			t.Fatalf("n = %d: %d bytes, want %d", n, l.Bytes, end)
		}
	}
}

// TestLargestChunk counts the elements of chunks of either index, with codes of one bit.
func TestLargestChunk(t *testing.T) {
	book, err := codebook.Canonical(&codebook.Histogram{120: 1}, 16)
	if err != nil {
		t.Fatal(err)
	}
	same := slices.Repeat([]uint16{codebook.Join(120, 0)}, 40_000)
	for _, tc := range []struct {
		index   codebook.Index
		n, want int
	}{
		{codebook.IndexGaps, 0, 0}, {codebook.IndexGaps, 1, 1}, {codebook.IndexGaps, 40_000, codebook.ChunkBits},
		{codebook.IndexTiles, 40_000, codebook.ChunkElements}, {codebook.IndexBoth, 40_000, codebook.ChunkBits},
	} {
		t.Run(fmt.Sprintf("%v of %d", tc.index, tc.n), func(t *testing.T) {
			s, err := codebook.EncodeIndexed(book, same[:tc.n], tc.index)
			if err != nil {
				t.Fatal(err)
			}
			l := NewLayout("u", 0, s, &launch.Launch{Tiles: tc.index.HasTiles()}, nil)
			if got, err := l.largestChunk(); got != tc.want || err != nil {
				t.Errorf("%d elements, want %d", got, tc.want)
			}
		})
	}
}
