package model

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// naturalCompare orders names so that "layers.2" comes before "layers.10". Digits that follow each other compare
// as a number, everything else byte by byte.
func naturalCompare(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if isDigit(x[0]) && isDigit(y[0]) {
			var n, m string
			n, x = cutDigits(x)
			m, y = cutDigits(y)
			if c := cmp.Or(cmp.Compare(len(n), len(m)), strings.Compare(n, m)); c != 0 {
				return c
			}
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	// If the names are equal as numbers but not as text ("01" and "1"), the text decides, so that the order is
	// total.
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// cutDigits splits off the leading digits, without leading zeros.
func cutDigits(s string) (digits, rest string) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return strings.TrimLeft(s[:n], "0"), s[n:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// sortedKeys returns the keys of a map in the order of their bytes.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// layerOf splits a module's path after the first number that is not at its start. If there is no such number, the
// whole path is the layer.
func layerOf(module string) (layer, attr string) { return cutNumber(module, 1) }

// cutNumber splits a path after its first number. It skips the given number of parts at the start.
func cutNumber(path string, pass int) (head, tail string) {
	parts := strings.Split(path, ".")
	for i := pass; i < len(parts); i++ {
		if isNumber(parts[i]) {
			return strings.Join(parts[:i+1], "."), strings.Join(parts[i+1:], ".")
		}
	}
	return path, ""
}

// isNumber reports whether a part of a path is an index.
func isNumber(part string) bool {
	return part != "" && strings.Trim(part, "0123456789") == ""
}

// quoteName returns the pattern that matches one module.
func quoteName(module string) string { return regexp.QuoteMeta(module) }

// generalName returns the pattern that matches a module and those like it in the other layers.
func generalName(module string) string {
	parts := strings.Split(module, ".")
	for i, part := range parts {
		if i > 0 && isNumber(part) {
			parts[i] = `\d+`
		} else {
			parts[i] = regexp.QuoteMeta(part)
		}
	}
	return strings.Join(parts, `\.`)
}
