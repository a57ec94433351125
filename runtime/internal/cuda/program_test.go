//go:build cuda

package cuda

import (
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// TestTooLarge leaves a unit to the CPU that has a tensor with more words than GPUs take.
func TestTooLarge(t *testing.T) {
	small := &rans.Stream{BlockWeights: 1}
	large := &rans.Stream{BlockWeights: 1, Blocks: make([]byte, 1<<32)} // memory that nobody touches
	for _, tc := range []struct {
		streams []*rans.Stream
		fits    bool
	}{{[]*rans.Stream{small}, true}, {[]*rans.Stream{small, large}, false}} {
		u := &coded.Unit{RANS: tc.streams, Tensors: make([]coded.Tensor, len(tc.streams))}
		p, err := programOf(nil, []*coded.Unit{u})
		if err != nil {
			t.Fatal(err)
		}
		if l, err := p.layout(u, 0, bookTables{}); (l != nil) != tc.fits || err != nil {
			t.Errorf("layout %v, error %v", l, err)
		}
		if why := p.lacks(u); !tc.fits && !strings.Contains(why, "4 GiB") {
			t.Error(why)
		}
	}
}
