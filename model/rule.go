package model

import (
	"regexp"
	"slices"
	"strings"
)

// addByRule makes units for an architecture without patterns. The weights of one layer form a unit:
// a layer is a module whose path ends in a number, the first on the way down, not counting one at the very
// top, where it numbers whole models (as in the containers of sentence-transformers). All other
// weights are units of their own.
func (b *partitioner) addByRule(tensors []*Tensor) {
	units := map[string]*PartitionUnit{}
	var names []string
	for _, t := range tensors {
		if b.reasons[t] != "" {
			continue
		}
		name, attr := layerOf(strings.TrimSuffix(t.Name, weightSuffix))
		if attr != "" && b.modules.weight(name, "") != nil {
			// The layer has a weight itself: it is a Linear, and what lies below it something else.
			name, attr = name+"."+attr, ""
		}
		u := units[name]
		if u == nil {
			u = &PartitionUnit{Name: name, regex: generalName(name)}
			units[name] = u
			names = append(names, name)
		}
		b.take(u, attr)
	}
	slices.SortFunc(names, naturalCompare)
	for _, name := range names {
		b.add(units[name])
	}
}

// layerOf splits a module's path behind the first number that is not at its start; without such a
// number all of it is the layer.
func layerOf(module string) (layer, attr string) { return cutNumber(module, 1) }

// cutNumber splits a path behind its first number, passing over the given number of parts.
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
