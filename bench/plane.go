package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/huff0"
	"github.com/klauspost/compress/zstd"

	"github.com/seed54244801/bespoke/codebook"
)

// A byteCodec codes bytes, here the exponents of weights, in independent segments.
type byteCodec struct {
	name    string
	segment int // bytes at most
	// worker returns functions for one goroutine. Both write to dst, which has room, and return what they wrote.
	worker func() (encode, decode func(dst, src []byte) ([]byte, error), err error)
}

var byteCodecs = []byteCodec{
	{"klauspost-zstd-1", 1 << 20, func() (encode, decode func(dst, src []byte) ([]byte, error), err error) {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		encode = func(dst, src []byte) ([]byte, error) { return e.EncodeAll(src, dst[:0]), nil }
		decode = func(dst, src []byte) ([]byte, error) { return d.DecodeAll(src, dst[:0]) }
		return encode, decode, nil
	}},
	{"klauspost-huff0", 128 << 10, func() (encode, decode func(dst, src []byte) ([]byte, error), err error) {
		e := huff0.Scratch{Reuse: huff0.ReusePolicyNone} // every segment has its own table
		var d huff0.Scratch
		encode = func(dst, src []byte) ([]byte, error) {
			e.Out = dst[:0]
			out, _, err := huff0.Compress4X(src, &e)
			return out, err
		}
		decode = func(dst, src []byte) ([]byte, error) {
			_, rest, err := huff0.ReadTable(src, &d)
			if err != nil {
				return nil, err
			}
			return d.Decoder().Decompress4X(dst[:0], rest)
		}
		return encode, decode, nil
	}},
}

// A plane is the exponents of a data set, coded segment by segment.
type plane struct {
	codec  byteCodec
	data   *dataSet
	raw    []byte   // a byte a weight
	coded  [][]byte // by segment
	spans  [][]span // segments by piece
	number []int    // of the first segment by piece
	out    []byte   // where pieces are decoded to
	encode []func(dst, src []byte) ([]byte, error)
	decode []func(dst, src []byte) ([]byte, error)
}

func newPlane(codec byteCodec, d *dataSet, threads []int) (*plane, error) {
	p := &plane{codec: codec, data: d, raw: make([]byte, len(d.weights)), out: bytes.Repeat([]byte{1}, len(d.weights))}
	for i, w := range d.weights {
		p.raw[i] = codebook.Exponent(w)
	}
	for range slices.Max(threads) {
		encode, decode, err := codec.worker()
		if err != nil {
			return nil, err
		}
		p.encode, p.decode = append(p.encode, encode), append(p.decode, decode)
	}
	for _, piece := range d.pieces {
		p.number = append(p.number, len(p.coded))
		segments := (piece.len() + codec.segment - 1) / codec.segment
		spans := equalSpans(piece.len(), (piece.len()+segments-1)/segments) // the last one is not short
		for i := range spans {
			spans[i].from += piece.from
			spans[i].to += piece.from
			p.coded = append(p.coded, make([]byte, 2*codec.segment))
		}
		p.spans = append(p.spans, spans)
	}
	for i := range d.pieces {
		if _, err := p.encodePiece(i, 1); err != nil {
			return nil, err
		}
		if _, err := p.decodePiece(i, 1); err != nil {
			return nil, err
		}
	}
	if !bytes.Equal(p.raw, p.out) {
		return nil, errors.New("the exponents do not come back")
	}
	return p, nil
}

func (p *plane) encodePiece(i, threads int) (int, error) {
	err := parallel(threads, len(p.spans[i]), func(w, k int) error {
		s := p.spans[i][k]
		segment := &p.coded[p.number[i]+k]
		var err error
		*segment, err = p.encode[w]((*segment)[:0], p.raw[s.from:s.to])
		return err
	})
	return p.data.pieces[i].len(), err
}

func (p *plane) decodePiece(i, threads int) (int, error) {
	err := parallel(threads, len(p.spans[i]), func(w, k int) error {
		s := p.spans[i][k]
		out, err := p.decode[w](p.out[s.from:s.from:s.to], p.coded[p.number[i]+k])
		if err == nil && len(out) != s.len() {
			err = fmt.Errorf("%d exponents, want %d", len(out), s.len())
		}
		return err
	})
	return p.data.pieces[i].len(), err
}

// bits returns the coded size of an exponent.
func (p *plane) bits() float64 {
	size := 0
	for _, c := range p.coded {
		size += len(c)
	}
	return 8 * float64(size) / float64(len(p.raw))
}

// planes returns the contenders of the byte codecs, for decoding and for encoding.
func (b *bench) planes(d *dataSet) (decode, encode []contender, err error) {
	for _, codec := range byteCodecs {
		p, err := newPlane(codec, d, b.threads)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", codec.name, err)
		}
		for _, n := range b.threads {
			c := contender{name: codec.name, threads: n, yardstick: memcpyName, bits: p.bits()}
			c.work = timed(func(i int) (int, error) { return p.decodePiece(i, n) })
			decode = append(decode, c)
			c.work = timed(func(i int) (int, error) { return p.encodePiece(i, n) })
			encode = append(encode, c)
		}
	}
	return decode, encode, nil
}
