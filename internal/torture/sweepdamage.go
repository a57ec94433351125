package torture

import (
	"bytes"
	"iter"
	"slices"

	"github.com/seed54244801/bespoke/model"
)

// sweepDamages lists the ways to damage a container.
var sweepDamages = []sweepDamage{
	{"a bit flipped", flips},
	{"cut short", cuts},
	{"bytes added", additions},
	{"a block of zeros", zeros},
	{"a file removed", removals},
	{"files swapped", fileSwaps},
	{"tensors swapped", tensorSwaps},
	{"tensors swapped, sums made right", forgedTensorSwaps},
	{"from another model", strangers},
	{"duplicated", duplicates},
	{"a JSON value", jsonDamages},
	{"a JSON value, sums made right", forgedJSONDamages},
}

// sweepLoop makes a sequence of a loop that passes cases to yield until yield returns false.
func sweepLoop(loop func(yield func(sweepCase) bool) bool) iter.Seq[sweepCase] {
	return func(yield func(sweepCase) bool) { loop(yield) }
}

// one returns the change of one file.
func one(path string, data []byte) map[string][]byte { return map[string][]byte{path: data} }

// flips has a case for every bit of every file.
func flips(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		for _, path := range c.files.paths() {
			sound := c.files[path].data
			for bit := range 8 * len(sound) {
				if !yield(sweepCase{what: named("bit %d of %s", bit, path), change: func() map[string][]byte {
					data := bytes.Clone(sound)
					data[bit/8] ^= 1 << (bit % 8)
					return one(path, data)
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// cuts has a case for every length that a file may be cut to.
func cuts(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		for _, path := range c.files.paths() {
			sound := c.files[path].data
			for n := range sound {
				if !yield(sweepCase{what: named("%s cut to %d bytes", path, n), change: func() map[string][]byte {
					return one(path, sound[:n:n])
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// additions has cases with bytes behind the end of a file.
func additions(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		for _, path := range c.files.paths() {
			for _, tail := range []string{"\x00", "\n", " ", "}", "\xff", "\x00\x00\x00\x00\x00\x00\x00\x00", string(make([]byte, 4096))} {
				if !yield(sweepCase{what: named("%.8q (%d bytes) behind %s", tail, len(tail), path), change: func() map[string][]byte {
					return one(path, slices.Concat(c.files[path].data, []byte(tail)))
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// zeros has cases with sectors that were not written.
func zeros(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		for _, path := range c.files.paths() {
			sound := c.files[path].data
			for _, size := range []int{16, 512, 4096} {
				for from := 0; from < len(sound); from += size {
					if !yield(sweepCase{what: named("%d bytes of zeros at %d of %s", size, from, path), change: func() map[string][]byte {
						data := bytes.Clone(sound)
						clear(data[from:min(len(data), from+size)])
						return one(path, data)
					}}) {
						return false
					}
				}
			}
		}
		return true
	})
}

// removals has a case for every file alone, and for every two files together.
func removals(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		paths := c.files.paths()
		for i, path := range paths {
			for _, other := range paths[i:] {
				// If only the sidecar is removed, the rest is another sound container.
				harmless := path == model.SidecarName && other == path
				if !yield(sweepCase{what: named("%s and %s removed", path, other), harmless: harmless, change: func() map[string][]byte {
					return map[string][]byte{path: nil, other: nil}
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// fileSwaps has cases in which two files take each other's name. Names of safetensors files mean nothing.
func fileSwaps(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		paths, weights := c.files.paths(), c.files.weights()
		for i, a := range paths {
			for _, b := range paths[i+1:] {
				harmless := slices.Contains(weights, a) && slices.Contains(weights, b)
				if !yield(sweepCase{what: named("%s and %s swapped", a, b), harmless: harmless, change: func() map[string][]byte {
					return map[string][]byte{a: c.files[b].data, b: c.files[a].data}
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// A sweepStored is a tensor in a file of a container.
type sweepStored struct {
	sweepTensor
	path string
}

// stored lists the tensors of a container.
func (t sweepTree) stored() (list []sweepStored) {
	for _, path := range t.weights() {
		tensors, err := tensorsOf(t[path].data)
		if err != nil {
			panic(err) // the container is sound
		}
		for _, x := range tensors {
			list = append(list, sweepStored{x, path})
		}
	}
	return list
}

// tensorSwaps has cases in which two tensors of the same shape take each other's place.
func tensorSwaps(c *sweepContainer) iter.Seq[sweepCase] { return swaps(c, false) }

// forgedTensorSwaps is tensorSwaps with right sums of what is stored, but not of what it decodes to.
func forgedTensorSwaps(c *sweepContainer) iter.Seq[sweepCase] { return swaps(c, true) }

func swaps(c *sweepContainer, forged bool) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		list := c.files.stored()
		for i, a := range list {
			for _, b := range list[i+1:] {
				if a.dtype != b.dtype || !slices.Equal(a.shape, b.shape) {
					continue
				}
				if !yield(sweepCase{what: named("%s and %s swapped", a.name, b.name), forged: forged, change: func() map[string][]byte {
					return c.put(forged, map[string][]byte{a.name: b.data, b.name: a.data})
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// put returns the files that change when tensors get other bytes, as many as before. If forged is set, the sums of
// what is stored are made right.
func (c *sweepContainer) put(forged bool, tensors map[string][]byte) map[string][]byte {
	changed := map[string][]byte{}
	sums := map[string]model.TensorSum{}
	for _, x := range c.files.stored() {
		data, ok := tensors[x.name]
		if !ok {
			continue
		}
		if changed[x.path] == nil {
			changed[x.path] = bytes.Clone(c.files[x.path].data)
		}
		copy(changed[x.path][x.at:], data)
		sums[x.name] = model.SumTensor(data)
	}
	if !forged {
		return changed
	}
	for path := range changed {
		changed[path] = withSums(changed[path], sums)
	}
	if s, ok := c.files[model.SidecarName]; ok {
		changed[model.SidecarName] = sealSidecar(replaceSums(s.data, "", sums))
	}
	return changed
}

// strangers has cases with a file, a tensor, or the files of several units from the container of another model.
func strangers(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		weights := c.files.weights()
		for _, path := range c.files.paths() {
			if !c.sidecar && slices.Equal(weights, []string{path}) {
				continue // all files together are the other model
			}
			if !yield(sweepCase{what: named("%s of another model", path), change: func() map[string][]byte {
				return one(path, c.other[path].data)
			}}) {
				return false
			}
		}
		if c.sidecar && !yield(sweepCase{what: named("all safetensors files of another model"), change: func() map[string][]byte {
			changed := map[string][]byte{}
			for _, path := range weights {
				changed[path] = c.other[path].data
			}
			return changed
		}}) {
			return false
		}
		for _, x := range c.other.stored() {
			for _, forged := range []bool{false, true} {
				if !yield(sweepCase{what: named("%s of another model, sums made right: %v", x.name, forged), forged: forged, change: func() map[string][]byte {
					return c.put(forged, one(x.name, x.data))
				}}) {
					return false
				}
			}
		}
		return true
	})
}

// duplicates has cases with something twice: a file under another name, or a tensor in another file.
func duplicates(c *sweepContainer) iter.Seq[sweepCase] {
	return sweepLoop(func(yield func(sweepCase) bool) bool {
		for _, path := range c.files.weights() {
			for _, name := range []string{"a" + path, "z" + path, "copy of " + path} {
				if !yield(sweepCase{what: named("%s twice, as %s", path, name), change: func() map[string][]byte {
					return one(name, c.files[path].data)
				}}) {
					return false
				}
			}
		}
		for _, x := range c.files.stored() {
			for _, path := range c.files.weights() {
				if !yield(sweepCase{what: named("%s of %s in %s too", x.name, x.path, path), change: func() map[string][]byte {
					return one(path, appendTensor(c.files[path].data, x.sweepTensor))
				}}) {
					return false
				}
			}
		}
		return true
	})
}
