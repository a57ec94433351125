package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/seed54244801/bespoke/bench/emitted"
	"github.com/seed54244801/bespoke/runtime"
)

// A decoder is one of our decoders, with a coded data set and memory of its own.
type decoder struct {
	coded *coded
	model map[int]*runtime.Model // by number of threads
	dst   []uint16
}

// decoders returns a contender for every number of threads. It fails if decoding does not give the original
// weights.
func decoders(name string, c *coded, threads []int, opts ...runtime.Option) ([]contender, error) {
	d := &decoder{coded: c, model: make(map[int]*runtime.Model), dst: touched(len(c.data.weights))}
	file := c.checkpoint()
	var list []contender
	for _, n := range threads {
		m, err := runtime.New(file, append(opts, runtime.WithWorkers(n))...)
		if err != nil {
			return nil, err
		}
		d.model[n] = m
		list = append(list, contender{name: name, threads: n, yardstick: c.yardstick(), bits: c.bitsPerWeight(), longest: c.longestCode(),
			work: timed(func(p int) (int, error) { return d.decode(p, n) })})
	}
	for k, n := range threads {
		clear(d.dst)
		for p := range c.parts {
			if _, err := d.decode(p, n); err != nil {
				return nil, err
			}
		}
		for i, w := range c.data.weights {
			if d.dst[i] != w {
				return nil, fmt.Errorf("%s: weight %d is %#04x, want %#04x", name, i, d.dst[i], w)
			}
		}
		list[k].choice = d.model[n].Decoder().String()
	}
	return list, nil
}

// decode decodes the parts of a piece.
func (d *decoder) decode(p, threads int) (weights int, err error) {
	m, ctx := d.model[threads], context.Background()
	for _, part := range d.coded.parts[p] {
		dst := d.dst[part.from:part.to]
		if part.tensor == "" {
			err = m.DecodeUnit(ctx, part.unit, dst)
		} else {
			err = m.DecodePart(ctx, part.tensor, part.first, dst)
		}
		if err != nil {
			return 0, err
		}
		weights += len(dst)
	}
	return weights, nil
}

// ourDecoders returns the decoders that the tables compare, those of rANS first.
func (b *bench) ourDecoders(d *dataSet) ([]contender, error) {
	ofRANS, err := b.ransDecoders(d)
	if err != nil {
		return nil, err
	}
	ofDF11, err := b.df11Decoders(d)
	return append(ofRANS, ofDF11...), err
}

// df11Decoders returns the decoders of DF11. If the data set is one unit, there are also decoders of units of smallUnit
// weights cut out of it.
func (b *bench) df11Decoders(d *dataSet) ([]contender, error) {
	limited, err := code(d, "model")
	if err != nil {
		return nil, err
	}
	published, err := code(d, "published")
	if err != nil {
		return nil, err
	}
	families := b.families()
	var list []contender
	add := func(more []contender, err error) error {
		list = append(list, more...)
		return err
	}
	err = errors.Join(
		add(b.emitted("", limited, b.threads)),
		add(b.tableDriven("", families, limited, b.threads)),
		add(b.chosen("", limited, b.threads)),
		add(decoders(runtime.Generic, limited, b.threads, runtime.WithDecoder(runtime.Generic))),
		add(b.tableDriven("-published", families, published, b.threads)))
	if err != nil || len(d.units) > 1 {
		return list, err
	}
	small, err := code(d.inUnitsOf(smallUnit), "model")
	if err != nil {
		return nil, err
	}
	first := families[:min(1, len(families))]
	err = errors.Join(
		add(b.emitted(wholeSuffix, limited.whole(), b.threads)),
		add(b.tableDriven("-published"+wholeSuffix, first, published.whole(), b.threads)),
		// One thread decodes a unit this small.
		add(b.emitted(smallSuffix, small, []int{1})),
		add(b.tableDriven(smallSuffix, families, small, []int{1})),
		add(b.chosen(smallSuffix, small, []int{1})),
		add(decoders(runtime.Generic+smallSuffix, small, []int{1}, runtime.WithDecoder(runtime.Generic))))
	return list, err
}

const (
	// smallUnit is the size of the small units in weights.
	smallUnit = 64 << 10
	// smallSuffix marks contenders that decode small units.
	smallSuffix = "-64Ki-units"
	// wholeSuffix marks contenders that decode all pieces at once. Starting a second thread takes a tenth of a
	// millisecond, which is much of the time of one piece.
	wholeSuffix = "-whole-unit"
)

// families returns the decoders in assembly that are available here, the newest first.
func (b *bench) families() []string {
	return slices.DeleteFunc([]string{runtime.AVX512, runtime.AVX2}, func(name string) bool { return !b.available(name) })
}

// emittedName and tableName are the names of the decoders of a family: emitted for a code, or table-driven for
// every code book.
func emittedName(family string) string { return family + "-emitted" }
func tableName(family string) string   { return family + "-table" }

// emitted returns the decoder that is emitted for a code, if it is available here.
func (b *bench) emitted(suffix string, c *coded, threads []int) ([]contender, error) {
	if !b.available(runtime.AVX512) {
		return nil, nil
	}
	name := emittedName(runtime.AVX512) + suffix
	p, err := c.plan()
	if err != nil {
		return nil, err
	}
	k, ok := emitted.Kernel(p)
	if !ok {
		b.miss(name, c.data.name, "bench/emitted has no function for the shape of these code books")
		return nil, nil
	}
	return decoders(name, c, threads, runtime.WithDecoder(runtime.AVX512), runtime.WithKernel(k))
}

// chosen returns the decoder that is chosen if none is asked for. It is that of a generated package, if there is
// one for the code.
func (b *bench) chosen(suffix string, c *coded, threads []int) ([]contender, error) {
	name := runtime.Auto + suffix
	if forced := os.Getenv(runtime.DecoderEnv); forced != "" {
		b.miss(name, c.data.name, runtime.DecoderEnv+" forces "+forced)
		return nil, nil
	}
	opts := []runtime.Option{runtime.WithDecoder(runtime.Auto)}
	rivals := []string{tableName(runtime.AVX512) + suffix, tableName(runtime.AVX2) + suffix}
	p, err := c.plan()
	if err != nil {
		return nil, err
	}
	if k, ok := emitted.Kernel(p); ok {
		opts = append(opts, runtime.WithKernel(k))
		rivals[0] = emittedName(runtime.AVX512) + suffix
	}
	list, err := decoders(name, c, threads, opts...)
	for i := range list {
		list[i].rivals = rivals
	}
	return list, err
}

// tableDriven returns the decoders of the given families that take every code book.
func (b *bench) tableDriven(suffix string, families []string, c *coded, threads []int) ([]contender, error) {
	var list []contender
	for _, family := range families {
		more, err := decoders(tableName(family)+suffix, c, threads, runtime.WithDecoder(family))
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// available reports whether a decoder can be used here. If not, it notes why.
func (b *bench) available(name string) bool {
	for _, d := range runtime.Available() {
		if d.Name == name {
			if !d.Available {
				b.miss(name, "", d.Reason)
			}
			return d.Available
		}
	}
	return false
}
