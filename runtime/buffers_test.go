package runtime

import "testing"

// TestBuffersFit takes the smallest memory that is large enough, and as much of it as is asked for.
func TestBuffersFit(t *testing.T) {
	b := &buffers{limit: 1000}
	for range 2 {
		large, _ := b.get(300)
		small, _ := b.get(200)
		b.put(large)
		b.put(small)
		for _, want := range []int{200, 300} {
			if buf, ok := b.get(100); !ok || len(buf) != 100 || cap(buf) != want {
				t.Errorf("100 words in memory for %d, %t, want memory for %d", cap(buf), ok, want)
			}
		}
		b.put(large[:100])
		b.put(small[:100])
	}
	if b.held != 500 || b.inUse != 0 {
		t.Errorf("%d words in %d buffers, want 500 in none", b.held, b.inUse)
	}
	if _, ok := b.get(600); !ok || b.held != 800 || len(b.free) != 1 {
		t.Errorf("600 words, %t: %d words held, %d buffers free, want one of 300 given up", ok, b.held, len(b.free))
	}
}

// TestBuffersBeyondLimit checks that the memory of a unit beyond the limit is used again for units of its size, and
// makes room for smaller ones.
func TestBuffersBeyondLimit(t *testing.T) {
	b := &buffers{limit: 100}
	var last []uint16
	for range 2 {
		buf, ok := b.get(1000)
		if !ok || last != nil && &buf[0] != &last[0] {
			t.Error("the memory of a unit of the same size is not used again")
		}
		last = buf
		b.put(buf)
	}
	for i := range 3 {
		if buf, ok := b.get(50); ok != (i < 2) || ok && cap(buf) != 50 {
			t.Errorf("unit %d gets memory for %d words, %t", i, cap(buf), ok)
		}
	}
	if b.held != 100 {
		t.Errorf("%d words held, want 100", b.held)
	}
}

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
