package runtime

import "testing"

// TestBuffers checks that memory is used again, that it stays within the limit, and that a single unit always gets
// a buffer.
func TestBuffers(t *testing.T) {
	const size = 1 << 16
	b := &buffers{limit: 3 * size}
	get := func(n int, want bool) []uint16 {
		t.Helper()
		buf, ok := b.get(n)
		if ok != want || ok && len(buf) != n {
			t.Fatalf("get(%d) gave %d words, %t", n, len(buf), ok)
		}
		if b.held > b.limit {
			t.Fatalf("%d words held, the limit is %d", b.held, b.limit)
		}
		return buf
	}
	first := get(100, true)
	for range 2 {
		b.put(get(size, true)) // the same memory twice
	}
	if b.held != size+100 {
		t.Errorf("%d words held, want %d", b.held, size+100)
	}
	large := []([]uint16){get(size, true), get(size, true)}
	get(size, false) // no room besides the first
	b.put(first)
	large = append(large, get(size, true)) // in place of the first
	get(1, false)
	for _, l := range large {
		b.put(l)
	}
	b.put(get(3*size, true)) // in place of them all
}
