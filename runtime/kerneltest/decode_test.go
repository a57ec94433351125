package kerneltest

import (
	"encoding/binary"
	"slices"
	"testing"
	"unsafe"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/lookup"
	"github.com/seed54244801/bespoke/internal/windows"
	"github.com/seed54244801/bespoke/runtime"
)

// TestWatched gives the suite a sound decoder in Go and broken ones. The suite must tell them apart.
func TestWatched(t *testing.T) {
	skipUnavailable(t, runtime.AVX512)
	for _, tc := range []struct {
		name  string
		sound bool
		of    func(*codebook.Book) windows.Decoder
	}{
		{"sound", true, func(b *codebook.Book) windows.Decoder { return inGo(b, 0) }},
		{"wrong symbol", false, func(b *codebook.Book) windows.Decoder { return inGo(b, 1) }},
		{"does nothing", false, func(*codebook.Book) windows.Decoder { return func(*windows.Job) {} }},
		{"fails always", false, func(*codebook.Book) windows.Decoder {
			return func(j *windows.Job) { j.Status, j.Failed[0] = windows.BlockOverflow, 1 }
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := *suites(t)["trained"]
			k := *s.Kernel
			k.AVX512 = []windows.Decoder{tc.of(k.Books[0])}
			s.Kernel = &k
			samples, err := s.samples(0, codebook.IndexGaps)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(s.decoders(), runtime.AVX512) {
				t.Fatal("the suite knows of no decoder in assembly")
			}
			watched, counts := s.watched()
			wrong := append(compare(t.Context(), watched.open(t, samples, runtime.AVX512), samples), s.idle(counts)...)
			if found := len(wrong) > 0; found == tc.sound {
				t.Errorf("found wrong: %v", wrong)
			}
		})
	}
}

// inGo returns a decoder of windows in Go. It flips bits of the first symbol of each block.
func inGo(book *codebook.Book, flip byte) windows.Decoder {
	return func(j *windows.Job) {
		for ; j.Blocks > 0; j.Blocks-- {
			if j.Resume == 0 && !follow(book, j) {
				j.Status = windows.BlockFailed
				return
			}
			j.Resume = 0
			for window := range windows.BlockWindows {
				row := j.Row(window)
				n := slices.Index(append(row[:], windows.NoSymbol), windows.NoSymbol)
				if j.Room < uint64(n) {
					j.Status = windows.BlockOverflow
					return
				}
				copy(j.Symbols(int(j.Pending), n), row[:])
				if window == 0 && n > 0 {
					j.Symbols(int(j.Pending), n)[0] ^= flip
				}
				j.Room -= uint64(n)
				j.Pending += int64(n)
				merge(j)
			}
			j.Src = (*byte)(unsafe.Add(unsafe.Pointer(j.Src), windows.BlockBytes))
			j.Gaps = (*byte)(unsafe.Add(unsafe.Pointer(j.Gaps), windows.BlockGaps))
			j.Gap = j.WindowGap(windows.BlockWindows)
		}
		j.Status = windows.BlockDone
	}
}

// follow sets the rows of a block. It reports whether all windows led to the next one. Otherwise, Failed has those
// that did not.
func follow(book *codebook.Book, j *windows.Job) bool {
	src := unsafe.Slice(j.Src, windows.BlockBytes+8)
	gap := func(window int) uint64 {
		switch {
		case window == 0:
			return j.Gap
		case window == windows.BlockWindows && j.Blocks == 1 && j.NextGap != windows.NoGap:
			return j.NextGap
		}
		bit := 5 * window
		packed := uint16(*(*byte)(unsafe.Add(unsafe.Pointer(j.Gaps), bit/8))) << 8
		if bit%8 > 3 {
			packed |= uint16(*(*byte)(unsafe.Add(unsafe.Pointer(j.Gaps), bit/8+1)))
		}
		return uint64(packed >> (16 - 5 - bit%8) & 31)
	}
	j.Failed = [windows.GroupsPerBlock]uint32{}
	sound := true
	for window := range windows.BlockWindows {
		j.SetWindowGap(window, gap(window))
		j.SetWindowGap(window+1, gap(window+1))
		var row [windows.RowSymbols]byte
		n, bit := 0, gap(window)
		ok := true
		for bit < 64 && ok {
			at := binary.BigEndian.Uint64(src[8*window:])<<bit | binary.BigEndian.Uint64(src[8*window+8:])>>1>>(63-bit)
			symbol, length := book.Decode(uint32(at >> 32))
			if ok = length > 0 && length < 14 && n < len(row); ok {
				row[n] = lookup.Rotate(symbol)
				n, bit = n+1, bit+uint64(length)
			}
		}
		for ; n < len(row); n++ {
			row[n] = windows.NoSymbol
		}
		j.SetRow(window, &row)
		if !ok || bit != 64+gap(window+1) {
			lane := slices.IndexFunc(lanes(), func(l int) bool { return windows.WindowOfLane(l) == window%windows.LaneWindows })
			j.Failed[window/windows.LaneWindows] |= 1 << lane
			sound = false
		}
	}
	return sound
}

// lanes returns the numbers of all lanes.
func lanes() []int {
	all := make([]int, windows.LaneWindows)
	for i := range all {
		all[i] = i
	}
	return all
}

// merge merges the pending symbols.
func merge(j *windows.Job) {
	for j.Pending >= windows.MergeWords {
		end := j.Merged + windows.MergeWords
		dst, sm := unsafe.Slice(j.Dst, end)[j.Merged:], unsafe.Slice(j.SignMantissa, end)[j.Merged:]
		symbols := j.Symbols(0, windows.MergeWords)
		for i := range dst {
			dst[i] = codebook.Join(symbols[i]<<1|symbols[i]>>7, sm[i])
		}
		j.Merged = end
		j.Pending -= windows.MergeWords
		copy(j.Symbols(0, int(j.Pending)), j.Symbols(windows.MergeWords, int(j.Pending)))
	}
}
