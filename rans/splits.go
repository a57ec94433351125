package rans

import (
	"fmt"
	"math"
)

// Splits are places inside of the blocks of a stream at which a decoder can start, so that many decode a block at once:
// a GPU. They are not stored, but computed by whoever loads a stream.
type Splits struct {
	// Steps is the number of steps of every split of a block but the last. A split has a weight of each state a step.
	Steps int
	// States holds the states that each split begins with, [States] of them. The splits of a block follow one another, and
	// so do the blocks.
	States []uint32
	// Positions holds, for each split, the place in Stream.Blocks of the next word, in words.
	Positions []uint32
}

// mostPosition is the largest number of words in Stream.Blocks for which there are splits: with it, offsets in bytes
// take 32 bits.
const mostPosition = math.MaxInt32

// Len returns the number of splits.
func (p *Splits) Len() int { return len(p.Positions) }

// SplitsOf returns the number of splits of a block of n weights.
func (p *Splits) SplitsOf(n int) int {
	steps := (n + States - 1) / States
	return (steps + p.Steps - 1) / p.Steps
}

// SplitsOf returns the number of splits of that many steps that a stream has whose sizes are valid.
func (s *Stream) SplitsOf(steps int) int {
	blocks := s.Len()
	if blocks == 0 {
		return 0
	}
	p := Splits{Steps: steps}
	return (blocks-1)*p.SplitsOf(s.BlockWeights) + p.SplitsOf(s.blockWeights(blocks-1))
}

// Splittable reports whether the blocks of the stream are small enough for splits.
func (s *Stream) Splittable() bool { return len(s.Blocks)/2 <= mostPosition }

// Splits decodes the symbols of a stream and returns its splits of that many steps. It fails if the stream is not valid, and
// with a [*BlockError] for the first block whose states or words are not as they should be. Patches and weights are
// not looked at.
func (s *Stream) Splits(steps int) (*Splits, error) {
	if steps < 1 || steps > MaxBlock/States {
		return nil, fmt.Errorf("rans: splits of %d steps, want 1 to %d", steps, MaxBlock/States)
	}
	t, layout, err := s.Validate()
	if err != nil {
		return nil, err
	}
	if !s.Splittable() {
		return nil, fmt.Errorf("rans: blocks of %d bytes are too large for splits", len(s.Blocks))
	}
	p, a := &Splits{Steps: steps}, t.Alias()
	for i := range s.Len() {
		b := s.Block(layout, i)
		if cause := p.add(&b, a, (layout[i]+len(b.States)+len(b.Patches))/2); cause != 0 {
			return nil, &BlockError{i, cause}
		}
	}
	return p, nil
}

// add appends the splits of a block, given the position of its first word. It returns 0, or what is wrong.
func (p *Splits) add(b *Block, a *Alias, position int) Cause {
	states, ok := b.Start()
	if !ok {
		return BadState
	}
	words := b.Words
	for i := range (b.Weights + States - 1) / States * States {
		if i%(p.Steps*States) == 0 {
			p.States = append(p.States, states[:]...)
			p.Positions = append(p.Positions, uint32(position+(len(b.Words)-len(words))/2))
		}
		if _, words, ok = a.next(&states[i%States], words); !ok {
			return WordsEnd
		}
	}
	return end(&states, words)
}
