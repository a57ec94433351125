package main

import (
	"bytes"
	"errors"

	encode "github.com/seed54244801/bespoke/encode/rans"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime"
)

// ransName is the name of a decoder of rANS: of a family, or portable Go.
func ransName(family string) string { return "rans-" + family }

// forms are the forms that are measured.
var forms = []rans.Form{rans.Exponent, rans.Joint}

// jointSuffix marks contenders that use the form Joint.
const jointSuffix = "-joint"

func formSuffix(f rans.Form) string {
	if f == rans.Joint {
		return jointSuffix
	}
	return ""
}

// codeRANS codes a data set with rANS, every tensor with a table of its own.
func codeRANS(d *dataSet, form rans.Form) (*coded, error) {
	c := newCoded(d)
	for i := range d.units {
		unit := d.newUnit(i, model.RANS)
		for k, t := range d.tensors[i] {
			unit.Tensors[k].Coded = new(rans.Stream)
			if err := encodeRANS(unit.Tensors[k].Coded, form, d, t, 0); err != nil {
				return nil, err
			}
		}
		c.add(unit, func(element int) int {
			block := unit.Tensors[0].Coded.BlockWeights
			return min((element+block-1)/block*block, unit.Elements())
		})
	}
	return c, nil
}

// encodeRANS codes a tensor of a data set.
func encodeRANS(into *rans.Stream, form rans.Form, d *dataSet, t tensor, workers int) error {
	weights := bytesOf(d.weights[t.from:t.to])
	table, err := rans.NewTable(form, encode.Histogram(form, [][]byte{weights}, workers))
	if err != nil {
		return err
	}
	e, err := encode.New(form, table)
	if err != nil {
		return err
	}
	_, err = e.Encode(into, weights, rans.BlockWeights(t.shape), workers)
	return err
}

// cloneRANS returns a stream in memory of its own.
func cloneRANS(s *rans.Stream) *rans.Stream {
	own := *s
	own.Table, own.Index = bytes.Clone(s.Table), bytes.Clone(s.Index)
	own.Blocks, own.Plane = bytes.Clone(s.Blocks), bytes.Clone(s.Plane)
	return &own
}

// ransDecoders returns the decoders of rANS: all of the form Exponent, and the first one of the form Joint. If the data set is
// one unit, there are also decoders of units of smallUnit weights cut out of it.
func (b *bench) ransDecoders(d *dataSet) ([]contender, error) {
	exponent, err := codeRANS(d, rans.Exponent)
	if err != nil {
		return nil, err
	}
	joint, err := codeRANS(d, rans.Joint)
	if err != nil {
		return nil, err
	}
	families := append(b.families(), runtime.Generic)
	var list []contender
	add := func(suffix string, families []string, c *coded, threads []int) error {
		for _, family := range families {
			more, err := decoders(ransName(family)+suffix, c, threads, runtime.WithDecoder(family))
			if err != nil {
				return err
			}
			list = append(list, more...)
		}
		return nil
	}
	if err := errors.Join(add("", families, exponent, b.threads), add(jointSuffix, families[:1], joint, b.threads)); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].peer = htscodecsName
	}
	if len(d.units) > 1 {
		return list, nil
	}
	small, err := codeRANS(d.inUnitsOf(smallUnit), rans.Exponent)
	if err != nil {
		return nil, err
	}
	return list, errors.Join(
		add(wholeSuffix, families[:1], exponent.whole(), b.threads),
		add(smallSuffix, families, small, []int{1})) // one thread decodes a unit this small
}
