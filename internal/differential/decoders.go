package differential

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/model"
	"github.com/seed54244801/bespoke/runtime"
)

// decoders decodes mutations with each decoder of package runtime, for any book and cut for the subject's book.
func (d *comparison) decoders(s *subject, index codebook.Index, all []mutation) error {
	outcomes := make([]*outcome, len(all))
	for i := range all {
		outcomes[i] = refer(all[i].stream)
	}
	for _, info := range runtime.Available() {
		if !info.Available || info.Name == runtime.CUDA {
			continue
		}
		options := []runtime.Option{runtime.WithDecoder(info.Name)}
		if err := d.decode(info.Name, options, s, index, all, outcomes); err != nil {
			return err
		}
		if s.kernel == nil || info.Name == runtime.Generic {
			continue
		}
		// A kernel refuses a model with other books.
		cut, cutOutcomes := d.fitting(s, all, outcomes)
		options = append(options, runtime.WithKernel(s.kernel))
		if err := d.decode(info.Name+" of "+s.kernel.Name, options, s, index, cut, cutOutcomes); err != nil {
			return err
		}
	}
	return nil
}

// fitting returns the mutations that the subject's kernel accepts.
func (d *comparison) fitting(s *subject, all []mutation, outcomes []*outcome) (fit []mutation, fitOutcomes []*outcome) {
	known := map[codebook.Fingerprint]bool{}
	for _, b := range s.kernel.Books {
		known[b.Fingerprint()] = true
	}
	for i := range all {
		if b, err := codebook.ParseLuts(all[i].stream.Luts); err != nil || known[b.Fingerprint()] {
			fit, fitOutcomes = append(fit, all[i]), append(fitOutcomes, outcomes[i])
		}
	}
	return fit, fitOutcomes
}

// decode decodes mutations with a decoder: the unit, its tensors, a part of one, and all sound units at once.
func (d *comparison) decode(decoder string, options []runtime.Option, s *subject, index codebook.Index, all []mutation, outcomes []*outcome) error {
	var file model.Container
	for i := range all {
		file.Units = append(file.Units, unitOf(i, all[i].stream))
	}
	m, err := runtime.New(&file, options...)
	if err != nil {
		return err
	}
	defer m.Close()
	together, err := d.together(&file, s.book.Luts(), options, outcomes)
	if err != nil {
		return err
	}
	for i, u := range file.Units {
		o := outcomes[i]
		difference, err := d.unit(m, u, o)
		if err != nil {
			return err
		}
		d.count(decoder, index, s, &all[i], o, cmp.Or(difference, together[i]))
	}
	return nil
}

// unitOf returns a unit of three tensors.
func unitOf(i int, s *codebook.Stream) *model.Unit {
	u := &model.Unit{Name: fmt.Sprint("u", i), Stream: *s, File: "file"}
	n := s.Elements()
	for k, from := range []int{0, n / 3, n / 2} {
		to := []int{n / 3, n / 2, n}[k]
		u.Tensors = append(u.Tensors, model.UnitTensor{Name: fmt.Sprint(u.Name, ".", k), Offset: from, Elements: to - from})
	}
	return u
}

// unit decodes a unit, its tensors and a part, and says how they differ from the outcome.
func (d *comparison) unit(m *runtime.Model, u *model.Unit, o *outcome) (string, error) {
	got := make([]uint16, len(o.weights))
	check := func(what string, from, to int, err error) (string, error) {
		if d.ctx.Err() != nil {
			return "", d.ctx.Err()
		}
		difference := o.differs(u, from, to, got[:to-from], err)
		if difference != "" {
			difference = what + ": " + difference
		}
		return difference, nil
	}
	if difference, err := check("DecodeUnit", 0, len(got), m.DecodeUnit(d.ctx, u.Name, got)); difference != "" || err != nil {
		return difference, err
	}
	for _, t := range u.Tensors {
		err := m.DecodeTensor(d.ctx, t.Name, got[:t.Elements])
		if difference, err := check("DecodeTensor "+t.Name, t.Offset, t.Offset+t.Elements, err); difference != "" || err != nil {
			return difference, err
		}
	}
	t := u.Tensors[d.random.IntN(len(u.Tensors))]
	from := d.random.IntN(t.Elements + 1)
	n := d.random.IntN(t.Elements - from + 1)
	err := m.DecodePart(d.ctx, t.Name, from, got[:n])
	return check(fmt.Sprintf("DecodePart %s from %d on, %d weights", t.Name, from, n), t.Offset+from, t.Offset+from+n, err)
}

// brokenTogether is the number of broken units that are decoded by DecodeAll, each in a call of its own behind a
// sound unit.
const brokenTogether = 20

// together decodes by DecodeAll: all sound units that have these luts, and some of the broken ones. It says how
// they differ from their outcomes.
func (d *comparison) together(file *model.Container, luts []byte, options []runtime.Option, outcomes []*outcome) ([]string, error) {
	differences := make([]string, len(outcomes))
	var sound, broken []int
	for i, o := range outcomes {
		if o.sound() {
			if bytes.Equal(file.Units[i].Stream.Luts, luts) {
				sound = append(sound, i)
			}
		} else {
			broken = append(broken, i)
		}
	}
	if err := d.visit(file, options, outcomes, sound, differences); err != nil {
		return nil, err
	}
	for _, i := range some(d.random, broken, brokenTogether) {
		which := append(slices.Clone(sound[:min(1, len(sound))]), i)
		if err := d.visit(file, options, outcomes, which, differences); err != nil {
			return nil, err
		}
	}
	return differences, nil
}

// visit decodes units by DecodeAll. The last one may be broken.
func (d *comparison) visit(file *model.Container, options []runtime.Option, outcomes []*outcome, which []int, differences []string) error {
	var some model.Container
	for _, i := range which {
		u := *file.Units[i] // a copy, because Close makes it useless
		some.Units = append(some.Units, &u)
	}
	m, err := runtime.New(&some, options...)
	if err != nil {
		return err
	}
	defer m.Close()
	visited := 0
	note := func(u *model.Unit, got []uint16, err error) {
		i := which[visited]
		if difference := outcomes[i].differs(u, 0, len(outcomes[i].weights), got, err); difference != "" {
			differences[i] = "DecodeAll: " + difference
		}
	}
	err = m.DecodeAll(d.ctx, func(u runtime.Unit, weights []uint16) error {
		if want := some.Units[visited].Name; u.Name != want {
			return fmt.Errorf("DecodeAll visited unit %q, want %q", u.Name, want)
		}
		note(some.Units[visited], weights, nil)
		visited++
		return nil
	})
	if d.ctx.Err() != nil {
		return d.ctx.Err()
	}
	if visited < len(which) {
		note(some.Units[visited], nil, err)
		return nil
	}
	return err
}
