//go:build cuda

package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/internal/cuda/gpu"
)

// openAccelerator opens as many GPUs as the options say, or as the model needs, and decides where
// each unit goes. It returns the reason for the choice.
func openAccelerator(m *Model, o *options) (_ accelerator, why string, err error) {
	program, err := newProgram(o.kernel)
	if err != nil {
		return nil, "", err
	}
	candidates, err := candidates(o.devices)
	if err != nil {
		return nil, "", err
	}
	g := &gpus{model: m, options: o, program: program, units: make(map[*unit]*gpuUnit)}
	if err := g.addUnits(); err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	var failed []error
	fits := false
	for _, info := range candidates {
		if fits && len(o.devices) == 0 {
			break
		}
		d, err := newGPUDevice(info, g)
		if err != nil {
			if len(o.devices) > 0 {
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

// addUnits lists the units that the program decodes. None, where there are units, is an error.
func (g *gpus) addUnits() error {
	tables := bookTables{}
	for i, u := range g.model.units {
		entry := g.program.entry(u.stream.Index())
		if entry == nil {
			g.left = append(g.left, u)
			continue
		}
		var table []byte
		if entry.Table && u.bookErr == nil {
			var err error
			if table, err = tables.of(u); err != nil {
				return err
			}
		}
		gu := &gpuUnit{unit: u, entry: entry, layout: gpu.NewLayout(u.Name, i, &u.stream, entry, table), weights: 2 * int64(u.Elements)}
		g.units[u] = gu
		g.order = append(g.order, gu)
	}
	if len(g.order) == 0 && len(g.left) > 0 {
		return errors.New(g.program.lacks(g.left[0].stream.Index()))
	}
	return nil
}

// candidates lists the GPUs to try: those named, or all, in the order in which they are preferred.
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

// preferred sorts GPUs: the most capable first, and of those the one with the most free memory. One that does not tell
// comes last among its like, where what is wrong with it is met again.
func preferred(list []gpu.Info) {
	free := make(map[int]int64, len(list))
	for _, info := range list {
		alike := func(other gpu.Info) bool { return other.Ordinal != info.Ordinal && other.Capability == info.Capability }
		if slices.ContainsFunc(list, alike) { // asking takes a context
			free[info.Ordinal], _ = info.FreeMemory()
		}
	}
	slices.SortStableFunc(list, func(a, b gpu.Info) int {
		return cmp.Or(cmp.Compare(b.Capability, a.Capability), cmp.Compare(free[b.Ordinal], free[a.Ordinal]))
	})
}

// place gives every unit to a device, in the order of the model, so that neighbours share one. It
// reports whether all units fit into device memory beside the buffers. Those that do not are
// uploaded, compressed, for every decoding.
func (g *gpus) place() bool {
	if g.placeWithin(0) {
		return true
	}
	largest := int64(0) // units that stay behind need buffers for their tensors too
	for _, gu := range g.order {
		largest = max(largest, gu.layout.Bytes)
	}
	g.placeWithin(gpuSlots * largest)
	return false
}

// placeWithin places the units, with so many bytes on every device for units that are uploaded each time.
func (g *gpus) placeWithin(uploads int64) bool {
	var weights, total, room int64
	for _, gu := range g.order {
		weights = max(weights, gu.weights)
		total += gu.layout.Bytes
	}
	for _, d := range g.devices {
		d.room = max(0, d.budget-gpuSlots*weights-uploads)
		d.kept = 0
		room += d.room
	}
	fits := true
	at, behind := 0, 0
	for _, gu := range g.order {
		// Where the program named the devices, each gets a share as large as its part of the room.
		for at+1 < len(g.devices) && len(g.options.devices) > 0 && g.devices[at].kept >= share(total, g.devices[at].room, room) {
			at++
		}
		gu.device, gu.keep = nil, false
		for _, d := range g.devices[at:] {
			if d.kept+gu.layout.Bytes <= d.room {
				d.kept += gu.layout.Bytes
				gu.device, gu.keep = d, true
				break
			}
		}
		if gu.device == nil {
			gu.device = g.devices[behind%len(g.devices)]
			behind++
			fits = false
		}
	}
	for _, d := range g.devices {
		d.largest = 0
	}
	for _, gu := range g.order {
		gu.device.largest = max(gu.device.largest, gu.weights)
	}
	return fits
}

// share is part/whole of total, within the part.
func share(total, part, whole int64) int64 {
	if total >= whole {
		return part
	}
	return int64(float64(total) * float64(part) / float64(whole))
}

// why names the devices, the kernels that decode and what stays in host memory.
func (g *gpus) why() string {
	var entries []string
	behind := 0
	for _, gu := range g.order {
		if !slices.Contains(entries, gu.entry.Entry) {
			entries = append(entries, gu.entry.Entry)
		}
		if !gu.keep {
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
	if g.options.kernel == nil {
		reasons[len(reasons)-1] += ", for any code book"
	}
	if behind > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d units stay in host memory", behind, len(g.order)))
	}
	if n := len(g.left); n > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d units are decoded by %s: %s", n, len(g.model.units), bestOnCPU().Name, g.program.lacks(g.left[0].stream.Index())))
	}
	return strings.Join(reasons, "; ")
}
