package rans

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSplits starts at every split and decodes its weights.
func TestSplits(t *testing.T) {
	weights := append(patterns()[:700], normal(3000)...)
	for _, f := range bothForms {
		for _, blockWeights := range []int{1, 63, 200, 1000, MaxBlock} {
			s := encode(t, f, weights, blockWeights)
			for _, steps := range []int{1, 3, 4, 64} {
				t.Run(fmt.Sprintf("%v/%d/%d", f, blockWeights, steps), func(t *testing.T) {
					checkSplits(t, s, must(s.Splits(steps)), weights)
				})
			}
		}
	}
	if p := must(encode(t, Exponent, nil, 64).Splits(4)); p.Len() != 0 {
		t.Errorf("%d splits of nothing", p.Len())
	}
}

func checkSplits(t *testing.T, s *Stream, p *Splits, weights []uint16) {
	t.Helper()
	table, layout, err := s.Validate()
	if err != nil {
		t.Fatal(err)
	}
	a, split := table.Alias(), 0
	for i := range s.Len() {
		b := s.Block(layout, i)
		whole := slices.Clone(weights[i*s.BlockWeights:][:b.Weights])
		for first := range p.SplitsOf(b.Weights) {
			states := p.States[States*split:][:States]
			words := s.Blocks[2*p.Positions[split]:]
			for at := first * p.Steps * States; at < min(b.Weights, (first+1)*p.Steps*States); at++ {
				place, left, ok := a.next(&states[at%States], words)
				if !ok {
					t.Fatalf("split %d ends early", split)
				}
				words = left
				if f := s.Form; a.Symbol[place] != f.Symbol(whole[at]) && slices.Contains(table.Symbols, f.Symbol(whole[at])) {
					t.Fatalf("split %d: weight %d has symbol %d", split, at, a.Symbol[place])
				}
			}
			split++
		}
	}
	if split != p.Len() || split != s.SplitsOf(p.Steps) || len(p.States) != States*split {
		t.Errorf("%d splits with %d states, want %d", p.Len(), len(p.States), split)
	}
}

func TestSplitsErrors(t *testing.T) {
	s := encode(t, Exponent, normal(1000), 400)
	for _, steps := range []int{0, -1, MaxBlock/States + 1} {
		if _, err := s.Splits(steps); err == nil {
			t.Errorf("splits of %d steps are no error", steps)
		}
	}
	words := binary.LittleEndian.Uint32(s.Index[16:])
	for _, change := range []func(*Stream){
		func(s *Stream) { clear(s.Blocks[:stateBytes]) },
		func(s *Stream) { s.Blocks[len(s.Blocks)/2] ^= 64 },
		func(s *Stream) { s.Blocks[len(s.Blocks)-5] ^= 64 },
	} {
		damaged := *s
		damaged.Blocks = slices.Clone(s.Blocks)
		change(&damaged)
		_, err := damaged.Splits(2)
		_, reference := Decode(&damaged)
		var got *BlockError
		if !errors.As(err, &got) || reference == nil || *got != *reference.(*BlockError) {
			t.Errorf("error is %v, the reference has %v", err, reference)
		}
	}
	s.Index = slices.Clone(s.Index)
	binary.LittleEndian.PutUint32(s.Index[16:], words+2)
	if _, err := s.Splits(2); err == nil || !strings.Contains(err.Error(), "the index says") {
		t.Errorf("error is %v", err)
	}
}
