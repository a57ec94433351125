package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A layerSet is the numbered modules below one path, such as model.layers. Each of them has modules in it.
type layerSet struct {
	path   string
	layers map[int]map[string]bool // by number, the names of its tensors without path and number
	most   int                     // the highest number
}

// maxLayers bounds the numbers that are taken for numbers of layers.
const maxLayers = 1 << 14

// layers uses the numbers of the layers and the number of layers in config.json, and compares the layers with each
// other.
func (f *finder) layers() {
	sets := layerSets(f.order)
	want, key := f.depth()
	var deepest *layerSet
	for _, s := range sets {
		if !slices.ContainsFunc(foreignTowers, func(tower string) bool { return strings.Contains(s.path, tower) }) &&
			(deepest == nil || s.most > deepest.most) {
			deepest = s
		}
	}
	for _, s := range sets {
		usual, count := s.usual()
		sorted := sortedKeys(usual)
		to, evidence := s.most+1, fmt.Sprintf("%s has layers up to %d", s.path, s.most)
		if s == deepest && want > to {
			to, evidence = want, fmt.Sprintf("%s says %s %d", ConfigName, key, want)
		}
		for n := range to {
			if f.left == 0 {
				return
			}
			have := s.layers[n]
			if have == nil {
				for _, name := range sorted {
					f.miss(fmt.Sprintf("%s.%d.%s", s.path, n, name), "%s", evidence)
				}
				continue
			}
			// Layers of another kind miss nothing. Nor do layers that have more than the usual ones.
			if 2*count <= len(s.layers) || len(s.layers) < 3 || !within(have, usual) {
				continue
			}
			for _, name := range sorted {
				if !have[name] {
					f.miss(fmt.Sprintf("%s.%d.%s", s.path, n, name), "%d of %d layers of %s have it", count, len(s.layers), s.path)
				}
			}
		}
	}
}

// depth returns the number of layers that config.json gives, and its name there. It is 0 if config.json gives
// none, or if layers share their weights.
func (f *finder) depth() (layers int, key string) {
	c := f.d.Config
	if c == nil || c.Sizes["num_hidden_groups"] != 0 {
		return 0, ""
	}
	for _, key := range []string{"num_hidden_layers", "n_layer", "n_layers", "num_layers"} {
		if n := c.Sizes[key]; n > 0 && n <= maxLayers {
			return int(n), key
		}
	}
	return 0, ""
}

// layerSets returns the sets of layers among the names of tensors, in the order of their first tensors.
func layerSets(names []string) (sets []*layerSet) {
	byPath := map[string]*layerSet{}
	for _, name := range names {
		layer, rest := layerOf(name)
		dot := strings.LastIndexByte(layer, '.')
		// A numbered module without modules in it belongs to a sequence of functions. The numbers of those may
		// have holes.
		if rest == "" || !strings.Contains(rest, ".") {
			continue
		}
		n, err := strconv.Atoi(layer[dot+1:])
		if err != nil || n >= maxLayers {
			continue
		}
		s := byPath[layer[:dot]]
		if s == nil {
			s = &layerSet{path: layer[:dot], layers: map[int]map[string]bool{}}
			byPath[s.path] = s
			sets = append(sets, s)
		}
		if s.layers[n] == nil {
			s.layers[n] = map[string]bool{}
		}
		s.layers[n][rest] = true
		s.most = max(s.most, n)
	}
	return sets
}

// usual returns the names of tensors that most layers have, and the number of these layers.
func (s *layerSet) usual() (names map[string]bool, count int) {
	kinds := map[string][]int{}
	for n, names := range s.layers {
		kind := strings.Join(sortedKeys(names), "\x00")
		kinds[kind] = append(kinds[kind], n)
	}
	for _, kind := range sortedKeys(kinds) {
		if n := len(kinds[kind]); n > count {
			names, count = s.layers[kinds[kind][0]], n
		}
	}
	return names, count
}

// within reports whether all of names are in others.
func within(names, others map[string]bool) bool {
	for name := range names {
		if !others[name] {
			return false
		}
	}
	return true
}
