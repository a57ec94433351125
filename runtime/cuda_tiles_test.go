//go:build cuda

package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// tileUnits are units without gaps, and one with both indices. Their sizes are around the borders of lanes, tiles
// and chunks.
func tileUnits(bc samples.Book) []testUnit {
	var units []testUnit
	add := func(n int, x codebook.Index) {
		n = min(n, len(bc.Weights))
		units = append(units, testUnit{
			name: fmt.Sprintf("u%02d", len(units)), book: bc.Book, weights: bc.Weights[:n], damage: samples.Indexed(bc.Book, bc.Weights[:n], x),
		})
	}
	for _, n := range []int{0, 1, 63, 64, 65, 2047, 2048, 2049, codebook.ChunkElements - 1, codebook.ChunkElements, codebook.ChunkElements + 1, 40_000} {
		add(n, codebook.IndexTiles)
	}
	add(40_001, codebook.IndexBoth)
	return units
}

// TestCUDATiles decodes by tiles, with each kind of code book.
func TestCUDATiles(t *testing.T) {
	standin.Start(t, "device=80:256")
	for _, bc := range samples.Books() {
		t.Run(bc.Name, func(t *testing.T) {
			if _, err := codebook.ParseLuts(bc.Book.Luts()); err != nil {
				t.Skip(err)
			}
			units := tileUnits(bc)
			m := openCUDA(t, write(t, units...), WithDecoder(CUDA))
			defer closeModel(t, m)
			if got := m.Decoder().Reason; !strings.Contains(got, "decode_tiles_table from PTX") {
				t.Errorf("reason %s", got)
			}
			for _, u := range units {
				decodeUnit(t, m, u)
			}
			decodeAll(t, m, units)
		})
	}
}

// TestCUDATileDamage decodes damaged streams and indices of units with tiles alone, and compares the result with
// that of the CPU.
func TestCUDATileDamage(t *testing.T) {
	standin.Start(t, "device=80:256")
	r := samples.NewRand(4)
	causes := map[codebook.Cause]int{}
	for _, bc := range samples.Books() {
		n := min(len(bc.Weights), 2*codebook.ChunkElements+100)
		for i := range 12 {
			u := testUnit{name: "u", book: bc.Book, weights: bc.Weights[:n], damage: func(s *codebook.Stream) {
				samples.Indexed(bc.Book, bc.Weights[:n], codebook.IndexTiles)(s)
				switch i % 4 {
				case 0:
					samples.MoveTile(s, 1+r.IntN(n/codebook.TileElements), 1+r.IntN(3))
				case 1:
					s.Encoded = append(s.Encoded[:len(s.Encoded)-r.IntN(2)], make([]byte, r.IntN(2))...)
				default:
					samples.Damage(r, s.Encoded)
				}
			}}
			path := write(t, u)
			if m, err := Open(path, WithDecoder(Generic)); err == nil {
				if e := sameAsCPU(t, m, path, u); e != nil {
					causes[e.Cause]++
				}
				closeModel(t, m)
			}
		}
	}
	if len(causes) < 3 {
		t.Errorf("causes met: %v", causes)
	}
}

// sameAsCPU decodes a unit with a model on the CPU and with one on a GPU, and returns the error of both.
func sameAsCPU(t *testing.T, cpu *Model, path string, u testUnit) *codebook.StreamError {
	t.Helper()
	m := openCUDA(t, path, WithDecoder(CUDA))
	defer closeModel(t, m)
	want, got := make([]uint16, len(u.weights)), make([]uint16, len(u.weights))
	wantErr, err := cpu.DecodeUnit(t.Context(), u.name, want), m.DecodeUnit(t.Context(), u.name, got)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || err == nil && !slices.Equal(got, want) {
		t.Errorf("error %v, want %v; or other weights", err, wantErr)
	}
	w, err := m.DecodeToDevice(t.Context(), u.name)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("to the device: error %v, want %v", err, wantErr)
	}
	if err == nil {
		setContext(t, w.Context)
		c := newConsumer(t)
		c.take(w)
		c.check([]testUnit{{name: u.name, weights: want}})
	}
	var stream *codebook.StreamError
	errors.As(wantErr, &stream)
	return stream
}

// TestCUDABothIndices damages one index of a unit that has both. GPUs must read tiles, and CPUs gaps and
// output_positions.
func TestCUDABothIndices(t *testing.T) {
	bc := samples.Books()[1]
	weights := bc.Weights[:60_000]
	both := samples.Indexed(bc.Book, weights, codebook.IndexBoth)
	dst := make([]uint16, len(weights))
	standin.Start(t, "device=80:256")

	gaps := testUnit{name: "gaps", book: bc.Book, weights: weights, damage: func(s *codebook.Stream) {
		both(s)
		p := s.OutputPositions[4:]
		binary.LittleEndian.PutUint32(p, binary.LittleEndian.Uint32(p)+1)
	}}
	tiles := testUnit{name: "tiles", book: bc.Book, weights: weights, damage: func(s *codebook.Stream) {
		both(s)
		samples.MoveTile(s, 3, 1)
	}}
	path := write(t, gaps, tiles)
	var w warnings
	m := openCUDA(t, path, WithDecoder(CUDA), w.option())
	defer closeModel(t, m)
	decodeUnit(t, m, gaps)
	if w.String() != "" {
		t.Errorf("said %q", &w)
	}
	decodeUnit(t, m, tiles)
	const fault = `cuda: unit "tiles": device 0, Stand-in 0, compute capability 8.0, kernel decode_tiles_table: unit 1, tile 2: `
	if !strings.Contains(w.String(), fault) || !strings.Contains(w.String(), ": decoded by "+bestOnCPU().Name) {
		t.Errorf("said %q, want %q", &w, fault)
	}
	if err := open(t, path, WithDecoder(Generic)).DecodeUnit(t.Context(), "gaps", dst); err == nil {
		t.Error("the CPU does not look at output_positions")
	}
}

// TestCUDATilesUploads counts the bytes that are uploaded to the device. They must have only the index that the GPU
// reads.
func TestCUDATilesUploads(t *testing.T) {
	bc := samples.Books()[1]
	weights := bc.Weights[:40_000]
	var uploaded []int
	for _, x := range []codebook.Index{codebook.IndexTiles, codebook.IndexBoth} {
		d := standin.Start(t, "device=80:256")
		u := testUnit{name: "u", book: bc.Book, weights: weights, damage: samples.Indexed(bc.Book, weights, x)}
		m := openCUDA(t, write(t, u), WithDecoder(CUDA))
		decodeUnit(t, m, u)
		closeModel(t, m)
		uploaded = append(uploaded, d.Count("uploaded"))
	}
	if uploaded[0] != uploaded[1] {
		t.Errorf("uploaded %d bytes with tiles, %d with both indices", uploaded[0], uploaded[1])
	}
}

// TestCUDAWithoutTiles opens models with kernels that decode by gaps alone.
func TestCUDAWithoutTiles(t *testing.T) {
	units := sampleUnits()
	bc := samples.Books()[1]
	tiled := testUnit{name: "tiled", book: bc.Book, weights: bc.Weights[:40_000], damage: samples.Indexed(bc.Book, bc.Weights[:40_000], codebook.IndexTiles)}
	both := testUnit{name: "with both", book: bc.Book, weights: bc.Weights[:30_000], damage: samples.Indexed(bc.Book, bc.Weights[:30_000], codebook.IndexBoth)}
	k := &Kernel{ABI: kernel.ABI, Name: "old", PTX: anyBook, Launches: launch.OfAnyBook()[1:2]}
	for _, u := range append(units, tiled) {
		k.Books = append(k.Books, u.book)
	}
	const why = "kernel old has no entry that decodes by tiles"
	standin.Start(t, "device=80:256")
	cpu := bestOnCPU().Name

	path := write(t, tiled)
	m := openCUDA(t, path, WithKernel(k))
	if got := m.Decoder(); got.Name != cpu || !strings.Contains(got.Reason, why) {
		t.Errorf("decoder %v", got)
	}
	decodeUnit(t, m, tiled)
	closeModel(t, m)
	if _, err := Open(path, WithDecoder(CUDA), WithKernel(k)); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("error %v", err)
	}

	units = append(units, tiled, both)
	m = openCUDA(t, write(t, units...), WithDecoder(CUDA), WithKernel(k))
	defer closeModel(t, m)
	want := fmt.Sprintf("kernel decode_native_table from PTX; 1 of %d units are decoded by %s: %s", len(units), cpu, why)
	if got := m.Decoder(); got.Name != CUDA || !strings.Contains(got.Reason, want) {
		t.Errorf("decoder %v, want %q", got, want)
	}
	for _, u := range units {
		decodeUnit(t, m, u)
	}
	decodeAll(t, m, units)
	if _, err := m.DecodeToDevice(t.Context(), "tiled"); err == nil || !strings.Contains(err.Error(), `unit "tiled": `+why) {
		t.Errorf("error %v", err)
	}
}

// TestCUDAEntries opens models with kernels that lack an entry that the runtime needs.
func TestCUDAEntries(t *testing.T) {
	units := sampleUnits()
	path := write(t, units...)
	missing := launch.OfAnyBook()[1]
	missing.Entry = "decode_none"
	silent := launch.OfAnyBook()[1]
	silent.Reports = false
	standin.Start(t, "device=80:256")
	for want, l := range map[string][]launch.Launch{
		"look up the kernel decode_none: CUDA_ERROR_NOT_FOUND (500)": {missing},
		"kernel k has no entry that decodes and reports errors":      {silent},
		"kernel k has no entry that decodes by gaps":                 {launch.OfAnyBook()[0]},
	} {
		k := &Kernel{ABI: kernel.ABI, Name: "k", PTX: anyBook, Launches: l}
		for _, u := range units {
			k.Books = append(k.Books, u.book)
		}
		if _, err := Open(path, WithDecoder(CUDA), WithKernel(k)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
