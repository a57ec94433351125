package model

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/codebook"
)

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

// UnitFileNames returns the names of the files that hold the units, one each: the module's path with
// underscores for dots, as the published encoder names them. What is too long for a file system is
// cut off, and where that would name two units, or a unit and the file of the tensors left over,
// alike, a number is added: loaders go by the names of the tensors alone.
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

// longestName is the most bytes of a unit's name in that of its file: of the 255 that file systems
// permit, it leaves room for a number and the extension.
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
