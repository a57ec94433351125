package runtime

import (
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// Sums returns the number of coded tensors that the checkpoint has a sum of, and the number of all coded tensors.
// [WithChecks] can compare only tensors with a sum.
func (m *Model) Sums() (with, all int) {
	for _, u := range m.units {
		for _, t := range u.coded.Tensors {
			if t.Sum != nil {
				with++
			}
		}
		all += len(u.coded.Tensors)
	}
	return with, all
}

// check returns the check that [WithChecks] asks for of a span, whose elements go to dst. It is nil if there is
// nothing to check.
func (m *Model) check(s coded.Span, dst []uint16) *coded.Check {
	if m.checks == 0 {
		return nil
	}
	return coded.NewCheck(s, dst, m.checks == CheckAlways, func(tensor string, have, want model.TensorSum) error {
		return &SumError{Tensor: tensor, Have: have, Want: want}
	})
}
