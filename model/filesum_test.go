package model

import (
	"bytes"
	"testing"
)

// TestSumOf holds the hash to what xxhsum -H2 of xxHash prints. Its inputs take every way through the hash:
// up to 3, 8, 16, 128, 240 bytes, and long ones.
func TestSumOf(t *testing.T) {
	content := make([]byte, 1<<20)
	for i := range content {
		content[i] = byte(i * 7 >> 3)
	}
	for n, want := range map[int]string{
		0:       "99aa06d3014798d86001c324468d497f",
		1:       "a6cd5e9392000f6ac44bdff4074eecdb",
		3:       "73e263a9664e775e6f15e63fb37c575a",
		4:       "fb7038fe787e0f5486d4b3a9f8b9441c",
		8:       "348c6a67fb410fd39ae636e8969b1143",
		9:       "22347007b7daef46e64cf5433763dc7d",
		16:      "905979ac60f4176f7802632e5e5c560c",
		17:      "6512498ca3b28bf8182199ccaf6f0efb",
		128:     "75933ba0d4eb2e3936cb2513e64a5326",
		129:     "7ab9949e55f1f4f117bab03dc1fff322",
		240:     "fa6b58d677c12c29f69a9d4a47bea7db",
		241:     "c0027c55cf32078ca37c87ed6e39ecc4",
		1024:    "641921d815aa754fc0f91a2524515597",
		1025:    "0738836f9ada523c35fe81a2bb44228c",
		1 << 20: "2e8c8cb2ce1f4676b2121615f5848009",
	} {
		if got := SumOf(content[:n]); got != (FileSum{int64(n), want}) {
			t.Errorf("%d bytes: %v, want %s", n, got, want)
		}
	}
	if got, want := SumOf(nil).String(), "0 bytes with xxh128 99aa06d3014798d86001c324468d497f"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestSummer writes in pieces, whose borders must not matter.
func TestSummer(t *testing.T) {
	content := bytes.Repeat([]byte("some weights, "), 1000)
	for _, n := range []int{0, 1, 240, 241, 1024, 1025, 1088, 1089, len(content)} {
		for _, piece := range []int{1, 7, 64, 1024, 4096} {
			var s Summer
			for rest := content[:n]; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				if wrote, err := s.Write(rest[:min(piece, len(rest))]); wrote != min(piece, len(rest)) || err != nil {
					t.Fatalf("wrote %d, error %v", wrote, err)
				}
			}
			if got, want := s.Sum(), SumOf(content[:n]); got != want {
				t.Errorf("%d bytes in pieces of %d: %v, want %v", n, piece, got, want)
			}
		}
	}
}
