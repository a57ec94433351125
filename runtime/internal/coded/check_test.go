package coded

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// TestSums tells of elements in pieces of any size, in any order, at once.
func TestSums(t *testing.T) {
	weights := samples.Trained(1_000_000, 6)
	u := &Unit{Name: "u", Stream: codebook.Stream{SignMantissa: make([]byte, len(weights))}}
	at := 0
	for _, to := range []int{5, 5, 70_000, 400_000, 400_000 + BlockElements, len(weights)} {
		sum := model.SumTensor(littleEndian(weights[at:to], HostIsLittleEndian))
		u.Tensors = append(u.Tensors, Tensor{Name: fmt.Sprint(len(u.Tensors)), From: at, To: to, Sum: NewSum(&sum)})
		at = to
	}
	differ := func(tensor string, have, want model.TensorSum) error {
		return fmt.Errorf("tensor %s: %v, want %v", tensor, have, want)
	}
	r := samples.NewRand(6)
	for range 20 {
		s := NewCheck(u.Whole(), weights, true, differ)
		var pieces [][2]int
		for from := 0; from < len(weights); {
			to := min(len(weights), from+1+r.IntN(1<<(1+r.IntN(19))))
			pieces = append(pieces, [2]int{from, to})
			from = to
		}
		r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for j := i; j < len(pieces); j += 4 {
					s.Decoded(pieces[j][0], pieces[j][1])
				}
			})
		}
		all.Wait()
		if err := s.Err(); err != nil {
			t.Error(err)
		}
		for i := range s.blocks {
			if n := s.blocks[i].missing.Load(); n != 0 {
				t.Errorf("%d elements of block %d are missing", n, i)
			}
		}
	}
	if s := NewCheck(u.Whole().Part(0, 70_000), weights, true, differ); s != nil {
		t.Error("a part has sums")
	}
}

// TestLittleEndian holds both ways to bring words into the order of files to each other.
func TestLittleEndian(t *testing.T) {
	words := []uint16{0x0102, 0xfffe, 0, 0x8001}
	want := []byte{2, 1, 0xfe, 0xff, 0, 0, 1, 0x80}
	if got := littleEndian(words, false); !slices.Equal(got, want) {
		t.Errorf("bytes %x", got)
	}
	if got := littleEndian(words, true); HostIsLittleEndian != slices.Equal(got, want) || HostIsLittleEndian && cap(got) != len(got) {
		t.Errorf("bytes %x in place", got)
	}
}
