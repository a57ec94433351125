package runtime

import (
	"context"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// TestWithPatterns names the tensors of a file that has no config.json.
func TestWithPatterns(t *testing.T) {
	u := sampleUnits()[2]
	patterns, err := model.ParsePatterns([]byte(`{"layers\\.\\d+": ["mlp.up_proj", "mlp.down_proj"]}`))
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, write(t, u), WithPatterns(patterns))
	got := make([]uint16, len(u.weights)-36_000)
	if err := m.DecodeTensor(context.Background(), "layers.1.mlp.down_proj.weight", got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, u.weights[36_000:]) {
		t.Error("weights differ")
	}
}
