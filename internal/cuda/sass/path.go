package sass

import (
	"fmt"
	"math"
)

// Longest returns the number of instructions of the longest way from the start that meets no rare mark. A loop
// without a mark is an error. With Once, it runs once instead, from its head to its end.
func (k *Kernel) Longest() (float64, error) {
	const unseen, open = -1, -2
	memo := make([]float64, len(k.blocks))
	for i := range memo {
		memo[i] = unseen
	}
	var walk func(i int) (float64, error)
	walk = func(i int) (float64, error) {
		if memo[i] != unseen {
			return memo[i], nil
		}
		memo[i] = open
		b := &k.blocks[i]
		if b.unknown != "" {
			return 0, fmt.Errorf("sass: %s on the way", b.unknown)
		}
		best, goesBack := math.Inf(-1), false
		if b.ends {
			best = 0
		}
		for _, n := range b.next {
			if k.blocks[n].rare {
				continue
			}
			if memo[n] == open {
				if !k.Once {
					return 0, fmt.Errorf("sass: a loop without a mark around block %d", n)
				}
				goesBack = true
				continue
			}
			rest, err := walk(n)
			if err != nil {
				return 0, err
			}
			best = max(best, rest)
		}
		if goesBack && math.IsInf(best, -1) {
			return 0, fmt.Errorf("sass: a loop that is not left at its end, block %d", i)
		}
		memo[i] = best + k.weight(b)
		return memo[i], nil
	}
	n, err := walk(k.start)
	if err == nil && n <= 0 {
		err = fmt.Errorf("sass: every way is marked")
	}
	return n, err
}

// Turn returns the number of instructions of the longest way once through the loop in which the start of the straight path
// lies, without rare marks.
func (k *Kernel) Turn() (float64, error) {
	var in *loop
	for _, l := range k.loops() {
		if l.head <= k.start && k.start <= l.tail && (in == nil || l.tail-l.head < in.tail-in.head) {
			in = &l
		}
	}
	if in == nil {
		return 0, fmt.Errorf("sass: no loop around the start")
	}
	const open = -2
	memo := map[int]float64{}
	var walk func(i int) (float64, error)
	walk = func(i int) (float64, error) {
		if n, ok := memo[i]; ok {
			return n, nil
		}
		memo[i] = open
		best := math.Inf(-1)
		for _, n := range k.blocks[i].next {
			switch {
			case n == in.head:
				best = max(best, 0)
			case n < in.head || n > in.tail || k.blocks[n].rare:
			case memo[n] == open:
				return 0, fmt.Errorf("sass: a loop without a mark around block %d", n)
			default:
				rest, err := walk(n)
				if err != nil {
					return 0, err
				}
				best = max(best, rest)
			}
		}
		memo[i] = best + k.weight(&k.blocks[i])
		return memo[i], nil
	}
	return walk(in.head)
}

func (k *Kernel) weight(b *block) float64 {
	if b.oneWarp {
		return k.OneWarp * float64(b.instructions)
	}
	return float64(b.instructions)
}

// Shortest returns the number of instructions of the shortest way that runs every loop for the given number of
// turns. The loops are in the order of their first basic blocks, and not nested.
func (k *Kernel) Shortest(turns []float64) (float64, error) {
	loops := k.loops()
	if len(loops) != len(turns) {
		return 0, fmt.Errorf("sass: %d loops, want %d", len(loops), len(turns))
	}
	total, from := 0.0, 0
	for i, l := range loops {
		before, ok := k.between(from, l.head, false)
		if !ok {
			return 0, fmt.Errorf("sass: no way to loop %d", i)
		}
		turn, ok := k.between(l.head, l.tail, true)
		if !ok {
			return 0, fmt.Errorf("sass: no way through loop %d", i)
		}
		total += before + turns[i]*turn
		from = l.tail
	}
	rest, ok := k.toEnd(from)
	if !ok {
		return 0, fmt.Errorf("sass: no way to the end")
	}
	return total + rest, nil
}

// A loop goes from head to tail and back.
type loop struct{ head, tail int }

// loops returns the loops by their heads. nvdisasm prints basic blocks in order, so a branch back closes a loop.
// The branch of a basic block to itself behind the last EXIT is not a loop.
func (k *Kernel) loops() (all []loop) {
	reachable := k.reachable()
	for i := range k.blocks {
		for _, n := range k.blocks[i].next {
			if n <= i && reachable[i] {
				all = append(all, loop{n, i})
			}
		}
	}
	return all
}

func (k *Kernel) reachable() []bool {
	seen := make([]bool, len(k.blocks))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, n := range k.blocks[i].next {
			visit(n)
		}
	}
	visit(0)
	return seen
}

// between returns the number of instructions of the shortest way forward from one basic block to another. If
// inclusive is set, the way is that of a loop and includes both of them; otherwise it includes neither. The start
// of the kernel counts in any case.
func (k *Kernel) between(from, to int, inclusive bool) (float64, bool) {
	cost := make([]float64, len(k.blocks))
	for i := range cost {
		cost[i] = math.Inf(1)
	}
	cost[from] = 0
	if inclusive || from == 0 {
		cost[from] = k.weight(&k.blocks[from])
	}
	for i := from; i < to; i++ { // only forward edges
		for _, n := range k.blocks[i].next {
			if n > i {
				cost[n] = min(cost[n], cost[i]+k.weight(&k.blocks[n]))
			}
		}
	}
	total := cost[to]
	if !inclusive && to != from {
		total -= k.weight(&k.blocks[to])
	}
	return total, !math.IsInf(total, 1)
}

// toEnd returns the number of instructions of the shortest way from behind a basic block to the end.
func (k *Kernel) toEnd(from int) (float64, bool) {
	best := math.Inf(1)
	for i := from + 1; i < len(k.blocks); i++ {
		if k.blocks[i].ends {
			if n, ok := k.between(from, i, true); ok {
				best = min(best, n-k.weight(&k.blocks[from]))
			}
		}
	}
	return best, !math.IsInf(best, 1)
}
