//go:build cuda

package cuda

// place gives every unit to a device, in the order of the model, so that neighbours are on the same device. It
// reports whether all units fit into device memory beside the buffers. Units that do not fit are uploaded for each
// decoding, compressed.
func (g *gpus) place() bool {
	if g.placeWithin(0) {
		return true
	}
	largest := int64(0) // units that stay in host memory need buffers for their tensors, too
	for _, u := range g.order {
		largest = max(largest, u.bytes)
	}
	g.placeWithin(deviceSlots * largest)
	return false
}

// placeWithin places the units. On every device it keeps the given bytes free for units that are uploaded each time.
func (g *gpus) placeWithin(uploads int64) bool {
	var weights, total, room int64
	for _, u := range g.order {
		weights = max(weights, u.weights)
		total += u.bytes
	}
	for _, d := range g.devices {
		d.room = max(0, d.budget-deviceSlots*weights-uploads)
		d.kept = 0
		room += d.room
	}
	fits := true
	at, behind := 0, 0
	for _, u := range g.order {
		// If the program named the devices, each gets a share in proportion to its room.
		for at+1 < len(g.devices) && len(g.config.Devices) > 0 && g.devices[at].kept >= share(total, g.devices[at].room, room) {
			at++
		}
		u.device, u.keep = nil, false
		for _, d := range g.devices[at:] {
			if d.kept+u.bytes <= d.room {
				d.kept += u.bytes
				u.device, u.keep = d, true
				break
			}
		}
		if u.device == nil {
			u.device = g.devices[behind%len(g.devices)]
			behind++
			fits = false
		}
	}
	for _, d := range g.devices {
		d.largest = 0
	}
	for _, u := range g.order {
		u.device.largest = max(u.device.largest, u.weights)
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
