package main

import (
	"time"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/encode"
	"github.com/seed54244801/bespoke/rans"
)

// ourEncoders returns the encoders that the tables compare, those of rANS first.
func (b *bench) ourEncoders(d *dataSet) []contender {
	var list []contender
	for _, form := range forms {
		list = append(list, b.ransEncoders(d, form)...)
	}
	return append(list, b.df11Encoders(d)...)
}

// ransEncoders times everything from bf16 words to the coded tensors of a piece: symbols counted, table, states, plane and
// checksums. Each tensor has its own table.
func (b *bench) ransEncoders(d *dataSet, form rans.Form) []contender {
	var list []contender
	for _, n := range b.threads {
		var stream rans.Stream
		list = append(list, contender{name: "bespoke-rans" + formSuffix(form), threads: n, yardstick: memcpyName, work: timed(func(p int) (int, error) {
			for _, t := range d.tensorsOf(d.pieces[p]) {
				if err := encodeRANS(&stream, form, d, t, n); err != nil {
					return 0, err
				}
			}
			return d.pieces[p].len(), nil
		})})
	}
	return list
}

// df11Encoders times everything from bf16 words to a coded unit: histogram, code book limited to the bits of a
// table, stream, gaps, output positions.
func (b *bench) df11Encoders(d *dataSet) []contender {
	var list []contender
	for _, n := range b.threads {
		e := encode.Encoder{Workers: n}
		list = append(list, contender{name: "bespoke-df11", threads: n, yardstick: memcpyName, work: func(p int) (int, time.Duration, error) {
			parts := [][]byte{bytesOf(d.weights[d.pieces[p].from:d.pieces[p].to])}
			start := time.Now()
			h := encode.Histogram(parts, n)
			book, err := codebook.Canonical(&h, codebook.TableBits)
			if err != nil {
				return 0, 0, err
			}
			_, err = e.Encode(book, parts)
			return d.pieces[p].len(), time.Since(start), err
		}})
	}
	return list
}
