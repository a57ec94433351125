package sass

import (
	"fmt"
	"math"
)

// longestOnce returns the number of instructions of the longest way that meets no rare mark and runs every loop once,
// to its end wherever it is left.
func (k *Kernel) longestOnce() (float64, error) {
	all := map[int]bool{}
	for i := range k.blocks {
		if !k.blocks[i].rare {
			all[i] = true
		}
	}
	n, err := k.once(all, 0, true)
	if err == nil && math.IsInf(n, -1) {
		err = fmt.Errorf("sass: every way is marked")
	}
	return n, err
}

// once returns the longest way through blocks of a region from one of them on: to the end of the kernel, or else
// anywhere.
func (k *Kernel) once(region map[int]bool, from int, toEnd bool) (float64, error) {
	components := k.components(region, from)
	of := map[int]int{} // block to component
	for c, blocks := range components {
		for _, i := range blocks {
			of[i] = c
		}
	}
	longest := make([]float64, len(components)) // from the start of the component on; those that follow it come before it
	for c, blocks := range components {
		own, err := k.ownWay(blocks, of, c)
		if err != nil {
			return 0, err
		}
		rest := math.Inf(-1)
		if !toEnd {
			rest = 0
		}
		for _, i := range blocks {
			if k.blocks[i].unknown != "" {
				return 0, fmt.Errorf("sass: %s on the way", k.blocks[i].unknown)
			}
			if toEnd && k.blocks[i].ends {
				rest = max(rest, 0)
			}
			for _, n := range k.blocks[i].next {
				if d, ok := of[n]; ok && d != c {
					rest = max(rest, longest[d])
				}
			}
		}
		longest[c] = own + rest
	}
	return longest[of[from]], nil
}

// ownWay returns the longest way inside component c, a block or a loop, that runs its parts once: the first
// of its blocks is its head.
func (k *Kernel) ownWay(blocks []int, of map[int]int, c int) (float64, error) {
	head := blocks[0]
	inner := map[int]bool{}
	for _, i := range blocks[1:] {
		inner[i] = true
	}
	best := 0.0
	for _, n := range k.blocks[head].next {
		if d, ok := of[n]; ok && d == c && n != head {
			way, err := k.once(inner, n, false)
			if err != nil {
				return 0, err
			}
			best = max(best, way)
		}
	}
	return k.weight(&k.blocks[head]) + best, nil
}

// components returns the strongly connected components of a region that can be reached from a block, each after those
// that follow it and with the block first by which the search came to it (Tarjan).
func (k *Kernel) components(region map[int]bool, from int) (all [][]int) {
	index, low, on := map[int]int{}, map[int]int{}, map[int]bool{}
	var stack []int
	var visit func(i int)
	visit = func(i int) {
		index[i], low[i] = len(index), len(index)
		stack = append(stack, i)
		on[i] = true
		for _, n := range k.blocks[i].next {
			if !region[n] {
				continue
			}
			if _, seen := index[n]; !seen {
				visit(n)
				low[i] = min(low[i], low[n])
			} else if on[n] {
				low[i] = min(low[i], index[n])
			}
		}
		if low[i] != index[i] {
			return
		}
		for at := len(stack) - 1; ; at-- {
			on[stack[at]] = false
			if stack[at] == i {
				all = append(all, append([]int{}, stack[at:]...))
				stack = stack[:at]
				return
			}
		}
	}
	visit(from)
	return all
}
