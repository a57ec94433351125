package model

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/codebook"
)

// The tensors of a unit: those of DF11, in the order in which the published encoder writes them, and the
// tile index, which it does not know.
const (
	partLuts = iota
	partEncoded
	partSignMantissa
	partOutputPositions
	partGaps
	partSplitPositions
	partTiles
	partCount
)

// partNames are their names behind the name of the module.
var partNames = [partCount]string{"luts", "encoded_exponent", "sign_mantissa", "output_positions", "gaps", "split_positions", "tiles"}

// lutsColumns is the width of the tensor luts.
const lutsColumns = 256

// unitParts holds the tensors of one unit.
type unitParts [partCount]*Tensor

// splitPart returns the module and the part that a tensor's name stands for, or part -1 for a
// tensor that belongs to no unit. The last two parts have plain names and count only beside another.
func splitPart(name string, all map[string]*Tensor) (module string, part int) {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 {
		return "", -1
	}
	for i, p := range partNames {
		if name[dot+1:] != p {
			continue
		}
		if i >= partSplitPositions && all[name[:dot+1]+partNames[partEncoded]] == nil {
			return "", -1
		}
		return name[:dot], i
	}
	return "", -1
}

// unit checks the tensors of a unit and puts them together. The patterns in m name the weights. m is empty if the
// checkpoint has no pattern_dict.
func (p *unitParts) unit(module string, m *matcher) (*Unit, error) {
	u := &Unit{Name: module, Codec: DF11}
	for _, t := range p {
		if t != nil {
			u.File = t.File()
			break
		}
	}
	fail := func(format string, args ...any) (*Unit, error) {
		return nil, fmt.Errorf("model: %s: unit %q: %w", u.File, module, fmt.Errorf(format, args...))
	}
	for i, t := range p {
		switch {
		case t == nil && p.optional(i):
			continue
		case t == nil:
			return fail("tensor %q is missing", partNames[i])
		case t.File() != u.File:
			return fail("tensor %q is in another file, %s", t.Name, t.File())
		}
		dtype, dims := U8, 1
		if i == partSplitPositions {
			dtype = I64
		}
		columns := partColumns[i]
		if columns > 0 {
			dims = 2
		}
		if t.DType != dtype || len(t.Shape) != dims || columns > 0 && t.Shape[1] != columns {
			return fail("tensor %q is %s %v, must be %s with %s", t.Name, t.DType, t.Shape, dtype, shapeText(columns))
		}
	}
	for i, t := range p {
		if t != nil && i != partEncoded && i != partSignMantissa {
			u.Index = append(u.Index, t)
		}
	}
	u.Stream = codebook.Stream{
		Luts:            p.bytes(partLuts),
		Encoded:         p.bytes(partEncoded),
		SignMantissa:    p.bytes(partSignMantissa),
		OutputPositions: p.bytes(partOutputPositions),
		Gaps:            p.bytes(partGaps),
		Tiles:           p.bytes(partTiles),
	}
	if n := u.Stream.Elements(); n > 0 && p[partTiles] != nil && !u.Stream.Index().HasTiles() {
		return fail("tiles has 0 bytes for %d elements", n)
	}
	if err := u.Stream.Validate(); err != nil {
		return fail("%w", err)
	}
	bounds, err := p.bounds(u.Stream.Elements())
	if err != nil {
		return fail("%w", err)
	}
	if err := u.name(bounds, m); err != nil {
		return fail("%w", err)
	}
	return u, nil
}

// optional reports whether a unit may lack a part. A unit of one weight needs no split positions, and any unit may
// lack one of the two indices.
func (p *unitParts) optional(part int) bool {
	switch part {
	case partSplitPositions, partTiles:
		return true
	case partOutputPositions, partGaps:
		return p[partTiles] != nil && p[partOutputPositions] == nil && p[partGaps] == nil
	}
	return false
}

// bytes returns the bytes of a part, nil if it is missing.
func (p *unitParts) bytes(part int) []byte {
	if p[part] == nil {
		return nil
	}
	return p[part].Bytes()
}

// partColumns are the widths of the parts with two dimensions.
var partColumns = [partCount]uint64{partLuts: lutsColumns, partTiles: codebook.TileBytes}

// shapeText describes a shape for errors: two dimensions with the given number of columns, or one dimension if
// that is 0.
func shapeText(columns uint64) string {
	if columns == 0 {
		return "1 dimension"
	}
	return fmt.Sprintf("shape [*,%d]", columns)
}

// bounds returns where the weights of the unit begin and end: 0, the split positions, the number of
// elements.
func (p *unitParts) bounds(total int) ([]int, error) {
	bounds := []int{0}
	var raw []byte
	if t := p[partSplitPositions]; t != nil {
		raw = t.Bytes()
	}
	for i := 0; i < len(raw); i += 8 {
		at := int64(binary.LittleEndian.Uint64(raw[i:]))
		if before := bounds[len(bounds)-1]; at < int64(before) || at > int64(total) {
			return nil, fmt.Errorf("split position %d is %d, not in %d..%d", i/8, at, before, total)
		}
		bounds = append(bounds, int(at))
	}
	return append(bounds, total), nil
}

// name gives the weights between bounds their names.
func (u *Unit) name(bounds []int, m *matcher) error {
	count := len(bounds) - 1
	names := []string{u.Name + weightSuffix}
	found := m.all(u.Name)
	switch {
	case len(found) > 1:
		return fmt.Errorf("%d patterns match, %q and %q among them", len(found), m.patterns[found[0]].Regex, m.patterns[found[1]].Regex)
	case len(found) == 1:
		pattern := m.patterns[found[0]]
		if want := max(1, len(pattern.Attrs)); count != want {
			return fmt.Errorf("%d split positions for %d tensors of pattern %q, must be %d", count-1, want, pattern.Regex, want-1)
		}
		if len(pattern.Attrs) > 0 {
			names = names[:0]
		}
		for _, attr := range pattern.Attrs {
			name := u.Name + "." + attr + weightSuffix
			if err := m.give(name); err != nil {
				return err
			}
			names = append(names, name)
		}
		u.Named = true
	case len(m.patterns) > 0:
		return fmt.Errorf("none of the %d patterns in %s matches", len(m.patterns), ConfigName)
	case count > 1:
		names = names[:0]
		for i := range count {
			name := fmt.Sprintf("%s[%d]", u.Name, i)
			if err := m.give(name); err != nil {
				return err
			}
			names = append(names, name)
		}
	}
	for i, name := range names {
		u.Tensors = append(u.Tensors, UnitTensor{Name: name, Offset: bounds[i], Elements: bounds[i+1] - bounds[i]})
	}
	return nil
}

// PartOf returns which part of a unit a stored tensor is, such as "luts": the text after the last dot of its name.
func PartOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// UnitEntries returns the safetensors entries of a unit as the published encoder writes them, with the
// tensors of the index that the stream has. Split positions are the cumulative element counts of its
// weights, the last left out.
func UnitEntries(module string, s *codebook.Stream, splitPositions []uint64) []Entry {
	splits := make([]byte, 0, 8*len(splitPositions))
	for _, at := range splitPositions {
		splits = binary.LittleEndian.AppendUint64(splits, at)
	}
	parts := [partCount][]byte{s.Luts, s.Encoded, s.SignMantissa, s.OutputPositions, s.Gaps, splits, s.Tiles}
	index := s.Index()
	var entries []Entry
	for i, data := range parts {
		if (i == partOutputPositions || i == partGaps) && !index.HasGaps() || i == partTiles && !index.HasTiles() {
			continue
		}
		e := BytesEntry(module+"."+partNames[i], U8, []uint64{uint64(len(data))}, data)
		if columns := partColumns[i]; columns > 0 {
			e.Shape = []uint64{uint64(len(data)) / columns, columns}
		}
		if i == partSplitPositions {
			e.DType, e.Shape = I64, []uint64{uint64(len(splitPositions))}
		}
		entries = append(entries, e)
	}
	return entries
}

// UnitFileNames returns the names of the files that hold the units, one for each. A name is the module's path with
// underscores for dots, as the published encoder names files. Names that are too long for a file system are cut
// off. If two units, or a unit and the file of the raw tensors, would have the same name, a number is added.
// Loaders only go by the names of the tensors.
func UnitFileNames(modules []string) []string {
	taken := map[string]bool{RestFileName: true}
	names := make([]string, len(modules))
	for i, module := range modules {
		base := strings.Map(func(r rune) rune {
			if strings.ContainsRune("./\\:", r) || r < ' ' {
				return '_'
			}
			return r
		}, module)
		base = cutString(base, longestName)
		name := base + Extension
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s-%d%s", base, n, Extension)
		}
		taken[strings.ToLower(name)] = true // some file systems do not tell cases apart
		names[i] = name
	}
	return names
}

// longestName is the most bytes of a unit's name in the name of its file. File systems permit 255 bytes, so there
// is room for a number and the extension.
const longestName = 200

// cutString returns the first n bytes of s, fewer where that would split a character.
func cutString(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// RestFileName is the file of the tensors that belong to no unit.
const RestFileName = "model" + Extension
