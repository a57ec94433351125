//go:build cuda

package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/seed54244801/bespoke/internal/gpu"
)

// openAccelerator opens as many GPUs as the options say, or as the model needs, and decides where
// each unit goes. It returns the reason for the choice.
func openAccelerator(m *Model, o *options) (_ accelerator, why string, err error) {
	code, err := images(o.kernel)
	if err != nil {
		return nil, "", err
	}
	candidates, err := candidates(o.devices)
	if err != nil {
		return nil, "", err
	}
	g := &gpus{model: m, options: o, units: make(map[*unit]*gpuUnit)}
	tables := bookTables{}
	for i, u := range m.units {
		if !u.stream.Index().HasGaps() {
			continue
		}
		var table []byte
		if o.kernel == nil && u.bookErr == nil {
			if table, err = tables.of(u); err != nil {
				return nil, "", err
			}
		}
		gu := newGPUUnit(u, i, table)
		g.units[u] = gu
		g.order = append(g.order, gu)
	}
	if len(g.order) == 0 && len(m.units) > 0 {
		return nil, "", errors.New(withoutGaps)
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
		d, err := newGPUDevice(info, code, g)
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

// withoutGaps is why no GPU decodes a unit that has no index but tiles.
const withoutGaps = "the GPU kernels want gaps and output_positions, and there are only tiles"

// candidates lists the GPUs to try: those named, or all, the most capable and then the largest first.
func candidates(ordinals []int) ([]gpu.Info, error) {
	list, err := gpu.List()
	if err != nil {
		return nil, err
	}
	if len(ordinals) == 0 {
		slices.SortStableFunc(list, func(a, b gpu.Info) int {
			return cmp.Or(cmp.Compare(b.Capability, a.Capability), cmp.Compare(b.Memory, a.Memory))
		})
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

// place gives every unit to a device, in the order of the model, so that neighbours share one. It
// reports whether all units fit into device memory beside the buffers. Those that do not are
// uploaded, compressed, for every decoding.
func (g *gpus) place() bool {
	if g.placeWithin(0) {
		return true
	}
	largest := int64(0) // units that stay behind need buffers for their tensors too
	for _, gu := range g.order {
		largest = max(largest, gu.bytes)
	}
	g.placeWithin(gpuSlots * largest)
	return false
}

// placeWithin places the units, with so many bytes on every device for units that are uploaded each time.
func (g *gpus) placeWithin(uploads int64) bool {
	var weights, total, room int64
	for _, gu := range g.order {
		weights = max(weights, gu.weights)
		total += gu.bytes
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
			if d.kept+gu.bytes <= d.room {
				d.kept += gu.bytes
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

// why names the devices, the kernel and what stays in host memory.
func (g *gpus) why() string {
	var reason string
	for i, d := range g.devices {
		if i > 0 {
			reason += "; "
		}
		reason += fmt.Sprintf("%v, kernel %s from %s", d.Info, d.module.Launch.Entry, d.module.Image.Form)
	}
	if g.options.kernel == nil {
		reason += ", which takes any code book"
	}
	behind := 0
	for _, gu := range g.order {
		if !gu.keep {
			behind++
		}
	}
	if behind > 0 {
		reason += fmt.Sprintf("; %d of %d units stay in host memory", behind, len(g.order))
	}
	if n := len(g.model.units) - len(g.order); n > 0 {
		reason += fmt.Sprintf("; %d of %d units are decoded by %s: %s", n, len(g.model.units), bestOnCPU(), withoutGaps)
	}
	return reason
}
