//go:build cuda

package runtime

import (
	"testing"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
)

// bothCodecs writes checkpoints of the same units and returns their paths by codec. With rANS each unit is a single tensor.
func bothCodecs(t *testing.T, units ...testUnit) map[model.Codec]string {
	t.Helper()
	var list []matrix
	for _, u := range units {
		list = append(list, matrix{u.name + ".weight", 1, len(u.weights), 4096, u.weights})
	}
	return map[model.Codec]string{model.DF11: write(t, units...), model.RANS: writeRANS(t, rans.Exponent, list, nil)}
}

// eachCodec runs a test of a name, "" for none, with the checkpoint of each codec.
func eachCodec(t *testing.T, name string, paths map[model.Codec]string, test func(t *testing.T, path string)) {
	if name != "" {
		name += "/"
	}
	for codec, path := range paths {
		t.Run(name+string(codec), func(t *testing.T) { test(t, path) })
	}
}
