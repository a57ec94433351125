package runtime

import "slices"

// buffers provides memory for weights within a limit. Memory that is given back is used again.
type buffers struct {
	limit int64 // in words
	held  int64 // the words of all buffers, free or in use
	inUse int   // the number of buffers in use
	free  [][]uint16
}

// get returns memory for n words. It reports false if that would exceed the limit. It always returns memory if no
// buffer is in use. Memory beyond the limit is used again only for a unit of the same size.
func (b *buffers) get(n int) ([]uint16, bool) {
	best := -1
	for i, f := range b.free {
		fits := cap(f) >= n && (b.held <= b.limit || cap(f) == n)
		if fits && (best < 0 || cap(f) < cap(b.free[best])) {
			best = i
		}
	}
	if best < 0 {
		for len(b.free) > 0 && b.held+int64(n) > b.limit {
			b.held -= int64(cap(b.free[0]))
			b.free = slices.Delete(b.free, 0, 1)
		}
		if b.held+int64(n) > b.limit && b.inUse > 0 {
			return nil, false
		}
		b.held += int64(n)
		b.inUse++
		return make([]uint16, n), true
	}
	buf := b.free[best][:n]
	b.free = slices.Delete(b.free, best, best+1)
	b.inUse++
	return buf, true
}

// put takes back memory that get returned.
func (b *buffers) put(buf []uint16) {
	b.free = append(b.free, buf)
	b.inUse--
}
