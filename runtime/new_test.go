package runtime

import (
	"context"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/model"
)

// TestNew decodes an open file. It has no config.json, so patterns name its tensors.
func TestNew(t *testing.T) {
	u := sampleUnits()[2]
	patterns, err := model.ParsePatterns([]byte(`{"layers\\.\\d+": ["mlp.up_proj", "mlp.down_proj"]}`))
	if err != nil {
		t.Fatal(err)
	}
	file, err := model.OpenContainerPatterns(write(t, u), patterns)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(file)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got := make([]uint16, len(u.weights)-36_000)
	if err := m.DecodeTensor(context.Background(), "layers.1.mlp.down_proj.weight", got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, u.weights[36_000:]) {
		t.Error("weights differ")
	}
}
