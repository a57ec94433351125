package rans

import (
	"errors"
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/seed54244801/bespoke/rans"
)

// BenchmarkEncode compares the encoder with a copy of the weights, and with its own parts: sum is the checksums of the blocks,
// histogram the way from weights to an encoder, encode that to a stream, and all is both.
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
		for _, workers := range []int{1, 2} {
			each(func(family string) {
				name := fmt.Sprintf("/%v/workers=%d/%s", f, workers, family)
				into := new(rans.Stream)
				histogram := func() (*Encoder, error) {
					table, err := rans.NewTable(f, Histogram(f, [][]byte{weights}, workers))
					if err != nil {
						return nil, err
					}
					return New(f, table)
				}
				e, err := histogram()
				if err != nil {
					b.Fatal(err)
				}
				encode := func() error {
					_, err := e.Encode(into, weights, blockWeights, workers)
					return err
				}
				run("histogram"+name, func() error {
					_, err := histogram()
					return err
				})
				run("encode"+name, encode)
				run("all"+name, func() error {
					_, err := histogram()
					return errors.Join(err, encode())
				})
			})
		}
	}
}
