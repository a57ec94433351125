//go:build cuda

package cuda

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
)

// Open opens the GPUs that the config names, or else as many as the units need. It decides which unit goes to which
// GPU. why is the reason for the choice.
func Open(c *Config) (_ GPUs, why string, err error) {
	program, err := programOf(c.Kernel, c.Units)
	if err != nil {
		return nil, "", err
	}
	candidates, err := candidates(c.Devices)
	if err != nil {
		return nil, "", err
	}
	g := &gpus{config: c, program: program, units: make(map[*coded.Unit]*unit)}
	if err := g.addUnits(); err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	var failed []error
	fits := false
	for _, info := range candidates {
		if fits && len(c.Devices) == 0 {
			break
		}
		d, err := newDevice(info, g)
		if err != nil {
			if len(c.Devices) > 0 {
				return nil, "", err
			}
			failed = append(failed, fmt.Errorf("%v: %w", info, err))
			continue
		}
		g.devices = append(g.devices, d)
		fits = g.place()
	}
	if len(g.devices) == 0 {
		return nil, "", errors.Join(failed...)
	}
	return g, g.why(), nil
}

// addUnits lists the units that the program decodes. It is an error if there are units, but the program decodes
// none of them.
func (g *gpus) addUnits() error {
	tables := bookTables{}
	for i, of := range g.config.Units {
		layout, err := g.program.layout(of, i, tables)
		if err != nil {
			return err
		}
		if layout == nil {
			g.left = append(g.left, of)
			continue
		}
		u := &unit{Unit: of, layout: layout, bytes: layout.Memory().Bytes, weights: 2 * int64(of.Elements())}
		g.units[of] = u
		g.order = append(g.order, u)
	}
	if len(g.order) == 0 && len(g.left) > 0 {
		return errors.New(g.program.lacks(g.left[0]))
	}
	return nil
}

// candidates lists the GPUs to try: those with the given ordinals, or all GPUs in the order in which they are
// preferred.
func candidates(ordinals []int) ([]gpu.Info, error) {
	list, err := gpu.List()
	if err != nil {
		return nil, err
	}
	if len(ordinals) == 0 {
		preferred(list)
		return list, nil
	}
	var named []gpu.Info
	for _, n := range ordinals {
		if n >= len(list) {
			return nil, fmt.Errorf("no device %d, there are %d", n, len(list))
		}
		named = append(named, list[n])
	}
	return named, nil
}

// preferred sorts GPUs by compute capability, the highest first. Those with the same capability are sorted by free
// memory, the most first. If a GPU does not tell its free memory, it comes last among these. Opening it then shows
// the error.
func preferred(list []gpu.Info) {
	free := make(map[int]int64, len(list))
	for _, info := range list {
		alike := func(other gpu.Info) bool { return other.Ordinal != info.Ordinal && other.Capability == info.Capability }
		if slices.ContainsFunc(list, alike) { // asking needs a context
			free[info.Ordinal], _ = info.FreeMemory()
		}
	}
	slices.SortStableFunc(list, func(a, b gpu.Info) int {
		return cmp.Or(cmp.Compare(b.Capability, a.Capability), cmp.Compare(free[b.Ordinal], free[a.Ordinal]))
	})
}

// why names the devices, the kernels that decode, and the units that stay in host memory.
func (g *gpus) why() string {
	var entries []string
	behind := 0
	for _, u := range g.order {
		for _, entry := range u.layout.Entries() {
			if !slices.Contains(entries, entry) {
				entries = append(entries, entry)
			}
		}
		if !u.keep {
			behind++
		}
	}
	kernels := "kernel " + strings.Join(entries, " and ")
	if len(entries) == 0 {
		kernels = "nothing to decode"
	}
	var reasons []string
	for _, d := range g.devices {
		reasons = append(reasons, fmt.Sprintf("%v, %s from %s", d.Info, kernels, d.module.Image.Form))
	}
	if about := g.program.about; about != "" {
		reasons[len(reasons)-1] += ", " + about
	}
	if behind > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d units stay in host memory", behind, len(g.order)))
	}
	if n := len(g.left); n > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d units are decoded by %s: %s", n, len(g.config.Units), g.config.Fallback, g.program.lacks(g.left[0])))
	}
	return strings.Join(reasons, "; ")
}
