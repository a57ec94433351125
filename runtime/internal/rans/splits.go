package rans

import (
	"context"

	"github.com/seed54244801/bespoke/internal/states"
	"github.com/seed54244801/bespoke/rans"
)

// Splits decodes the symbols of all tensors, with at most the given number of goroutines, and returns their splits of a
// number of steps. Blocks that cannot be decoded are no error: their first split has states of zeros, which no decoder takes.
func (u *Unit) Splits(ctx context.Context, workers, steps int) ([]*rans.Splits, error) {
	c := u.prepare()
	if c.err != nil {
		return nil, c.err
	}
	s := splitter{c, make([]*rans.Splits, len(c.streams))}
	for i, stream := range c.streams {
		n := stream.SplitsOf(steps)
		s.splits[i] = &rans.Splits{Steps: steps, States: make([]uint32, n*rans.States), Positions: make([]uint32, n)}
	}
	if err := c.taskOf(0, len(c.groups), workers, nil, s.find).Run(ctx); err != nil {
		return nil, err
	}
	return s.splits, nil
}

// A splitter finds the splits of all tensors of a unit.
type splitter struct {
	*checkedUnit
	splits []*rans.Splits
}

// find finds those of the blocks of a group.
func (t *splitter) find(g group) error {
	var memory [states.Blocks]progress
	var to [states.Blocks]*rans.Splits
	all := memory[:0]
	steps, most := 0, 0
	for i := g.first; i < g.end; i++ {
		b := &t.blocks[i]
		splits := t.splits[b.tensor]
		p, ok := t.streams[b.tensor].start(b.number, nil)
		if !ok {
			p.note(0, splits)
			p.refuse(splits)
			continue
		}
		to[len(all)] = splits
		all = append(all, p)
		steps, most = splits.Steps, max(most, splits.SplitsOf(p.Weights))
	}
	w := works.Get().(*work)
	defer w.done()
	if need := states.Blocks * steps * rans.States; len(w.tile) < need {
		w.tile = make([]uint16, need)
	}
	for i := range most {
		for k := range all {
			all[k].note(i, to[k])
		}
		w.skip(all, (i+1)*steps)
	}
	for i := range all {
		if p := &all[i]; p.finish() != 0 {
			p.refuse(to[i])
		}
	}
	return nil
}

// refuse has decoders refuse the block.
func (p *progress) refuse(to *rans.Splits) {
	clear(to.States[p.split(0, to)*rans.States:][:rans.States])
}

// split returns the number in its stream of split i of a block.
func (p *progress) split(i int, to *rans.Splits) int {
	return p.number*to.SplitsOf(p.of.BlockWeights) + i
}

// note notes where split i of a block begins, if it has as many.
func (p *progress) note(i int, to *rans.Splits) {
	if p.over || i >= to.SplitsOf(p.Weights) {
		return
	}
	at := p.split(i, to)
	for k := range rans.States {
		to.States[at*rans.States+k] = p.state(k)
	}
	before := p.of.layout[p.number] + len(p.States) + len(p.Patches)
	to.Positions[at] = uint32(before/2 + p.used)
}

// skip decodes the whole steps of blocks before one of them. The weights go nowhere.
func (w *work) skip(all []progress, end int) {
	if len(all) == 0 {
		return
	}
	if all[0].of.one == nil {
		for i := range all {
			p := &all[i]
			p.over = p.over || !p.of.portable().goOn(p, end)
		}
		return
	}
	part := len(w.tile) / states.Blocks
	w.decode(all, end, func(i int, _ *progress) int { return i * part })
}
