package rans

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/seed54244801/bespoke/rans"
)

// FuzzEncode holds the encoder to the specification for any words, with the best table and with any other.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("\x00\x3c\x10\x3c\x00\xbd"), uint8(0), uint64(1), uint16(1))
	f.Add(littleEndian(trained(500, 6), false), uint8(1), uint64(2), uint16(100))
	f.Add(littleEndian(trained(500, 7), false), uint8(2), uint64(3), uint16(64))
	f.Fuzz(func(t *testing.T, data []byte, kind uint8, seed uint64, blockWeights uint16) {
		weights := make([]uint16, min(len(data)/2, 1<<15)) // blocks may be as small as a weight
		for i := range weights {
			weights[i] = binary.LittleEndian.Uint16(data[2*i:])
		}
		form := forms[kind%2]
		var table *rans.Table
		if r := rand.New(rand.NewPCG(seed, 0)); kind&2 == 0 {
			table = tableFor(t, form, weights)
		} else {
			table = randomTable(r, form, 2+r.IntN(rans.Buckets-1), kind&4 == 0)
		}
		n := max(1, int(blockWeights))
		each(func(string) { check(t, form, table, weights, n, 1, 2) })
	})
}
