package rans

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// unitOf returns a unit with a tensor for each stream.
func unitOf(streams ...*rans.Stream) *Unit {
	u := &model.Unit{Name: "u", Codec: model.RANS}
	at := 0
	for i, s := range streams {
		u.Tensors = append(u.Tensors, model.UnitTensor{Name: fmt.Sprint(i), Offset: at, Elements: s.Weights, Coded: s})
		at += s.Weights
	}
	return NewUnit(coded.NewUnit(u), tested)
}

// TestSplits wants the splits of the reference.
func TestSplits(t *testing.T) { eachFamily(t, testSplits) }

func testSplits(t *testing.T) {
	patched := normal(70_000)
	for i := 0; i < len(patched); i += 97 {
		patched[i] = uint16(i)
	}
	var streams []*rans.Stream
	for _, f := range []rans.Form{rans.Exponent, rans.Joint, rans.Exponent} {
		for _, weights := range [][]uint16{patched, normal(70_000)[1:], normal(64), normal(1), nil, slices.Repeat([]uint16{7}, 1000)} {
			for _, block := range []int{64, 1000, 16384, 30_011, 1 << 18} {
				streams = append(streams, encode(t, f, weights, block))
			}
		}
	}
	u := unitOf(streams...)
	for _, steps := range []int{1, 3, 16, 64, 100_000} {
		got, err := u.Splits(t.Context(), 2, steps)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range streams {
			want := must(s.Splits(steps))
			if got[i].Steps != steps || !slices.Equal(got[i].Positions, want.Positions) || !slices.Equal(got[i].States, want.States) {
				t.Errorf("%v: %d weights in blocks of %d: other splits of %d steps", s.Form, s.Weights, s.BlockWeights, steps)
			}
		}
	}
}

// TestSplitsDamage damages blocks. Those that cannot be decoded begin with states that no decoder takes, and all others have
// the splits of the reference.
func TestSplitsDamage(t *testing.T) { eachFamily(t, testSplitsDamage) }

func testSplitsDamage(t *testing.T) {
	const steps, blockWeights = 16, 3000
	r := rand.New(rand.NewPCG(19, 20))
	sound := encode(t, rans.Joint, normal(30_000), blockWeights)
	want := must(sound.Splits(steps))
	each := want.SplitsOf(blockWeights)
	bad := 0
	for round := range 400 {
		s := *sound
		s.Blocks, s.Plane = slices.Clone(s.Blocks), slices.Clone(s.Plane)
		part := s.Blocks
		if round%4 == 0 {
			part = s.Plane
		}
		for range 1 + r.IntN(3) {
			part[r.IntN(len(part))] ^= 1 << r.IntN(8)
		}
		got := must(unitOf(&s).Splits(t.Context(), 1+r.IntN(3), steps))[0]
		d := must(New(&s, tested))
		for i := range s.Len() {
			first := i * each
			n := got.SplitsOf(d.Block(d.layout, i).Weights)
			states := got.States[first*rans.States:][:n*rans.States]
			if err := d.Decode(i, i+1, make([]uint16, blockWeights)); err != nil {
				bad++
				if slices.Max(states[:rans.States]) != 0 {
					t.Fatalf("round %d: block %d, %v, begins with states", round, i, err)
				}
				continue
			}
			if !slices.Equal(got.Positions[first:first+n], want.Positions[first:first+n]) ||
				bytes.Equal(s.Blocks, sound.Blocks) && !slices.Equal(states, want.States[first*rans.States:][:n*rans.States]) {
				t.Fatalf("round %d: block %d has other splits", round, i)
			}
		}
	}
	if bad < 200 {
		t.Errorf("only %d blocks were damaged", bad)
	}
}
