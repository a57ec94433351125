package host_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/host"
)

// publishedDecode decodes a unit the way the published kernel does, by the description of its algorithm: every
// window counts the codes that start in it from its own gap on; a prefix sum from the chunk's output
// position says where they go; a second walk writes them, up to the number of elements. It asks
// nothing of the windows' ends, and its counts for what lies past the stream mean nothing.
func publishedDecode(s *codebook.Stream) []uint16 {
	out := make([]uint16, s.Elements())
	stream := append(slices.Clone(s.Encoded), make([]byte, codebook.ChunkBytes+16)...)
	gaps := append(slices.Clone(s.Gaps), 0)
	for chunk := range s.Chunks() {
		element := int(binary.LittleEndian.Uint32(s.OutputPositions[4*chunk:]))
		for window := chunk * codebook.ChunkWindows; window < (chunk+1)*codebook.ChunkWindows; window++ {
			bit := window * codebook.GapBits
			pair := uint(gaps[bit/8])<<8 | uint(gaps[bit/8+1])
			at := int(pair >> (11 - bit%8) & 31)
			for at < codebook.WindowBits && element < len(out) {
				first := window*codebook.WindowBits + at
				symbol := publishedSymbol(s.Luts, binary.BigEndian.Uint64(stream[first/8:])<<(first%8))
				out[element] = codebook.Join(symbol, s.SignMantissa[element])
				element++
				at += int(s.Luts[len(s.Luts)-256+int(symbol)])
			}
		}
	}
	return out
}

// publishedSymbol walks the byte tables from the top of bits.
func publishedSymbol(luts []byte, bits uint64) uint8 {
	v := luts[bits>>56]
	for level := 1; v >= 240; level++ {
		v = luts[256*(256-int(v))+int(bits<<(8*level)>>56)]
	}
	return v
}

// TestPublishedAlgorithm holds streams of every scheme against the published kernel's algorithm: what decodes
// here decodes there.
func TestPublishedAlgorithm(t *testing.T) {
	t.Parallel()
	sets := [][]uint16{trained(81, 30000), powers(82, 5000, 80, 30), trained(83, 301), trained(84, 9000)}
	var histograms []codebook.Histogram
	for _, w := range sets {
		histograms = append(histograms, *histogram(w))
	}
	for _, name := range []string{"published", "unit", "model"} {
		t.Run(name, func(t *testing.T) {
			scheme, err := codebook.SchemeByName(name)
			if err != nil {
				t.Fatal(err)
			}
			a, err := scheme.Assign(histograms)
			if err != nil {
				t.Fatal(err)
			}
			for i, weights := range sets {
				for _, n := range []int{1, 64, 300, len(weights)} {
					s := encode(t, a.Books[a.Unit[i]], weights[:n])
					if !slices.Equal(publishedDecode(s), weights[:n]) {
						t.Errorf("unit %d, %d weights: the published algorithm decodes other weights", i, n)
					}
					l := host.Launch{Stream: s, Entry: host.NativeTable, Table: tableOf(t, s), Seed: uint64(n), SharedBytes: generous(s)}
					check(t, tableKernel(t), l, weights[:n])
				}
			}
		})
	}
}
