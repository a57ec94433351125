package rans

import (
	"fmt"
	"testing"

	"github.com/seed54244801/bespoke/rans"
)

// TestGroups wants tensors of four blocks and more in groups of their own, and small ones together.
func TestGroups(t *testing.T) {
	var u checkedUnit
	for _, one := range []struct {
		form   rans.Form
		blocks int
	}{
		{rans.Exponent, 1}, {rans.Exponent, 8}, {rans.Exponent, 3}, {rans.Exponent, 3}, {rans.Joint, 1}, {rans.Joint, 5}, {rans.Joint, 1}, {rans.Joint, 0}, {rans.Joint, 4},
	} {
		s := &Stream{Stream: &rans.Stream{Form: one.form, Weights: 64 * one.blocks, BlockWeights: 64}}
		u.streams = append(u.streams, s)
		for number := range s.Len() {
			u.add(block{tensor: len(u.streams) - 1, number: number})
		}
	}
	got := ""
	for _, g := range u.groups {
		for i := g.first; i < g.end; i++ {
			got += fmt.Sprint(u.blocks[i].tensor)
		}
		got += " "
	}
	if want := "0 1111 1111 2223 33 4 5555 56 8888 "; got != want {
		t.Errorf("groups of the tensors %s, want %s", got, want)
	}
}
