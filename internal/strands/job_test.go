package strands

import (
	"testing"
	"unsafe"
)

// TestJob checks that scratch memory lies in one page of 64 KiB, as the assembly needs, and that idle strands write
// elsewhere.
func TestJob(t *testing.T) {
	if n := 2 * HalfSize; n > scratchSize {
		t.Errorf("scratch memory of %d bytes, room for %d", n, scratchSize)
	}
	for range 100 {
		j := NewJob()
		if addr := uintptr(unsafe.Pointer(j.Scratch)); addr%scratchSize != 0 {
			t.Fatalf("scratch memory at %#x", addr)
		}
		j.Strands[2].Left = 1 << 40
		dst := new(uint16)
		j.Strands[2].Dst = dst
		if j.Idle(3, 2); j.Strands[3].Dst == dst || j.Strands[3].Left > uint64(len(j.sink)) {
			t.Fatal("an idle strand writes where the other does")
		}
	}
}
