//go:build cuda

package cuda

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// anyBookSource is the source that anyBook was compiled from.
//
//go:embed anybook.cu
var anyBookSource string

// TestMain runs all tests of the package with a stand-in for a GPU.
func TestMain(m *testing.M) {
	os.Exit(standin.Run(m, []standin.Image{{Code: anyBook, Source: anyBookSource}}))
}

// TestUploadIsWaitedFor decodes a unit from the other slot right after it was made resident.
func TestUploadIsWaitedFor(t *testing.T) {
	book := samples.Books()[2]
	weights := [][]uint16{book.Weights[:77], book.Weights} // decoding the first one allocates the buffers of both slots, which waits
	var units []*coded.Unit
	for i, w := range weights {
		stream := samples.Must(codebook.Encode(book.Book, w))
		units = append(units, coded.NewUnit(&model.Unit{Name: fmt.Sprintf("u%d", i), Stream: *stream}))
	}
	for seed := range 20 {
		standin.Start(t, "device=80:256", "late=1", fmt.Sprintf("seed=%d", seed))
		opened, _, err := Open(&Config{Units: units, Say: func(message string) { t.Error(message) }})
		if err != nil {
			t.Fatal(err)
		}
		g := opened.(*gpus)
		for i, u := range g.order {
			var slots []*gpu.Slot
			for range deviceSlots {
				slot, err := u.device.decode(t.Context(), u)
				if err != nil {
					t.Fatal(err)
				}
				slots = append(slots, slot)
			}
			slices.Reverse(slots)
			for _, slot := range slots {
				got := make([]uint16, len(weights[i]))
				fault, err := u.read(t.Context(), slot, u.Whole(), got, nil)
				if err != nil || fault != nil || !slices.Equal(got, weights[i]) {
					t.Errorf("seed %d, unit %s: fault %v, error %v", seed, u.Name, fault, err)
				}
				u.device.give(slot)
			}
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
