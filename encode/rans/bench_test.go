package rans

import (
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/rans"
)

// BenchmarkEncode compares the encoder with a copy of the weights, and with its own parts. all is what it takes from weights
// to a stream: histogram, table, and encode.
func BenchmarkEncode(b *testing.B) {
	const n, blockWeights = 16 << 20, 1 << 18
	words := trained(n, 5)
	weights := littleEndian(words, false)
	run := func(name string, do func() error) {
		b.Run("impl="+name, func(b *testing.B) {
			b.SetBytes(2 * n)
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e9, "Gweights/s")
		})
	}
	copied := make([]byte, 2*n)
	run("memcpy", func() error {
		copy(copied, weights)
		return nil
	})
	run("sum", func() error {
		for at := 0; at < len(weights); at += 2 * blockWeights {
			xxh3.Hash(weights[at:][:2*blockWeights])
		}
		return nil
	})
	for _, f := range forms {
		e, err := New(f, tableFor(b, f, words))
		if err != nil {
			b.Fatal(err)
		}
		into := new(rans.Stream)
		encode := func() error {
			_, err := e.Encode(into, weights, blockWeights, 1)
			return err
		}
		run("encode/"+f.String(), encode)
		portably(func() { run("portable/"+f.String(), encode) })
	}
}
