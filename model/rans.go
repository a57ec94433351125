package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/rans"
)

// ransSuffix ends the name of a stored tensor that is coded with rANS. Before it stand the unit, a colon, and what the
// name of the original tensor has behind the name of the unit.
const ransSuffix = ":rans"

// ransName returns the name under which a tensor of a unit is stored. The original name begins with that of the unit.
func ransName(unit, tensor string) string {
	return unit + ":" + strings.TrimPrefix(tensor[len(unit):], ".") + ransSuffix
}

// splitRANS returns the unit and the original name of a stored tensor. It reports false if that is not coded with rANS.
func splitRANS(name string) (unit, tensor string, ok bool) {
	stem, ok := strings.CutSuffix(name, ransSuffix)
	if !ok {
		return "", "", false
	}
	colon := strings.LastIndexByte(stem, ':')
	if colon <= 0 {
		return "", "", false
	}
	unit, rest := stem[:colon], stem[colon+1:]
	if rest == "" {
		return unit, unit, true
	}
	return unit, unit + "." + rest, true
}

// CheckRANS returns an error if a tensor of a unit cannot be stored with rANS: for its shape, or because its name has a
// colon behind that of the unit.
func CheckRANS(unit, tensor string, shape []uint64) error {
	if len(shape) > rans.MaxDims {
		return fmt.Errorf("%d dimensions, at most %d can be coded", len(shape), rans.MaxDims)
	}
	if u, t, ok := splitRANS(ransName(unit, tensor)); !ok || u != unit || t != tensor {
		return errors.New("its name has a colon where coded tensors cannot have one")
	}
	return nil
}

// RANSEntry returns the safetensors entry of a coded tensor of a unit. The unit's name must be the whole name of the
// tensor, or what it has before a dot. The entry's data are in the given memory, if that has room.
func RANSEntry(unit, name string, t *rans.Tensor, memory []byte) (Entry, error) {
	if err := CheckRANS(unit, name, t.Shape); err != nil {
		return Entry{}, fmt.Errorf("model: unit %q: tensor %q: %w", unit, name, err)
	}
	data, err := t.BytesIn(memory)
	if err != nil {
		return Entry{}, fmt.Errorf("model: tensor %q: %w", name, err)
	}
	return BytesEntry(ransName(unit, name), U8, []uint64{uint64(len(data))}, data), nil
}

// ransUnit puts the tensors of a unit together, in natural order of their names.
func ransUnit(unit string, parts []*Tensor) (*Unit, error) {
	slices.SortFunc(parts, func(a, b *Tensor) int { return naturalCompare(a.Name, b.Name) })
	u := &Unit{Name: unit, Codec: RANS, Named: true, File: parts[0].File()}
	at := 0
	for _, p := range parts {
		_, name, _ := splitRANS(p.Name)
		fail := func(err error) (*Unit, error) {
			return nil, fmt.Errorf("model: %s: unit %q: tensor %q: %w", p.File(), unit, p.Name, err)
		}
		if p.File() != u.File {
			return fail(fmt.Errorf("the unit is in another file, %s", u.File))
		}
		t, err := rans.ParseTensor(p.Bytes())
		if err == nil {
			_, _, err = t.Validate()
		}
		if err != nil {
			return fail(err)
		}
		u.Tensors = append(u.Tensors, UnitTensor{Name: name, Offset: at, Elements: t.Weights, Shape: t.Shape, Coded: &t.Stream})
		u.Index = append(u.Index, p)
		at += t.Weights
	}
	return u, nil
}

// CodecOf returns the codec of a unit that a stored tensor is a part of, by its name and type. It is "" for others.
func CodecOf(t *Tensor) Codec {
	if _, _, ok := splitRANS(t.Name); ok && t.DType == U8 && len(t.Shape) == 1 {
		return RANS
	}
	if strings.HasSuffix(t.Name, "."+partNames[partEncoded]) {
		return DF11
	}
	return ""
}
