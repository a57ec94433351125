package codebook

import (
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestCanonicalIsOptimal compares package-merge with a search of all complete codes.
func TestCanonicalIsOptimal(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var h Histogram
		n := 1 + random.IntN(6)
		for range n {
			h[random.IntN(240)] = 1 + random.Uint64N(1<<random.IntN(12))
		}
		for limit := smallestLimit(&h); limit <= 7; limit++ {
			b, err := Canonical(&h, limit)
			if err != nil {
				t.Fatal(err)
			}
			if b.MaxLength() > limit || int(b.EndOfStream().Length) > limit {
				t.Fatalf("limit %d: codes of %d bits, end of stream %v", limit, b.MaxLength(), b.EndOfStream())
			}
			got, err := b.StreamBits(&h)
			if err != nil {
				t.Fatal(err)
			}
			got += uint64(b.EndOfStream().Length)
			if want := leastBits(sortedLeaves(&h), 1<<limit, limit); got != want {
				t.Fatalf("%v limit %d: %d bits, want %d", sortedLeaves(&h), limit, got, want)
			}
		}
	}
}

// leastBits tries every length for each leaf within the Kraft budget, given in units of 2^-limit.
func leastBits(leaves []leaf, budget, limit int) uint64 {
	if len(leaves) == 0 {
		return 0
	}
	least := uint64(1) << 62
	for length := 1; length <= limit; length++ {
		if share := 1 << (limit - length); share <= budget {
			least = min(least, leaves[0].count*uint64(length)+leastBits(leaves[1:], budget-share, limit))
		}
	}
	return least
}

func TestCanonicalLimits(t *testing.T) {
	h := trainedHistogram()
	natural, err := Canonical(h, MaxLength)
	if err != nil {
		t.Fatal(err)
	}
	for limit := smallestLimit(h); limit <= natural.MaxLength(); limit++ {
		b, err := Canonical(h, limit)
		if err != nil {
			t.Fatal(err)
		}
		if b.MaxLength() != limit {
			t.Errorf("limit %d: longest code has %d bits", limit, b.MaxLength())
		}
		if !b.Canonical() {
			t.Errorf("limit %d: not canonical", limit)
		}
		if eos := b.EndOfStream(); bits.OnesCount32(eos.Bits) != int(eos.Length) {
			t.Errorf("limit %d: end of stream %v, want ones", limit, eos)
		}
	}
}

// TestShortestPassesOver compares shortest with trying all limits, one after the other.
func TestShortestPassesOver(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	passed := 0
	for range 300 {
		// A histogram of many symbols with few different counts, and a few frequent ones, needs more tables than
		// there are.
		var h Histogram
		kinds := 1 + r.IntN(5)
		for s := range 1 + r.IntN(MaxSymbol) {
			h[s] = uint64(1 + r.IntN(kinds))
			if r.IntN(20) == 0 {
				h[s] <<= r.IntN(30)
			}
		}
		var want *Book
		for limit := MaxLength; want == nil; limit-- {
			want, _ = Canonical(&h, limit)
			if want == nil {
				passed++
			}
		}
		got, err := shortest(&h)
		if err != nil {
			t.Fatal(err)
		}
		if got.Fingerprint() != want.Fingerprint() {
			t.Fatalf("%v: codes of at most %d bits, want %d", h, got.MaxLength(), want.MaxLength())
		}
	}
	if passed < 1000 {
		t.Errorf("only %d limits failed", passed)
	}

	// A code of at most 9 bits that needs too many tables must not be tried 24 times.
	wide := Histogram{0: 1 << 20}
	for s := 1; s <= MaxSymbol; s++ {
		wide[s] = uint64(1000 + s)
	}
	one := testing.AllocsPerRun(3, func() { _, _, _ = bestLengths(&wide, MaxLength) })
	if all := testing.AllocsPerRun(3, func() { _, _ = shortest(&wide) }); all > 6*one {
		t.Errorf("%.0f allocations, %.0f for one limit", all, one)
	}
}

func TestCanonicalRefuses(t *testing.T) {
	tests := []struct {
		name  string
		h     Histogram
		limit int
		want  string
	}{
		{"limit too small", Histogram{1: 1, 2: 1}, 1, "want 2 to 32"},
		{"limit too large", Histogram{1: 1, 2: 1}, 33, "want 2 to 32"},
		{"infinity", Histogram{1: 1, 255: 7}, 8, "255 (7 times)"},
		{"counts overflow", Histogram{1: 1 << 63, 2: 1 << 63}, 8, "2^56"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Canonical(&test.h, test.limit); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestNewCanonicalRefuses(t *testing.T) {
	tests := []struct {
		name    string
		lengths map[uint8]uint8
		eos     uint8
		want    string
	}{
		{"overfull", map[uint8]uint8{1: 1, 2: 1, 3: 1}, 0, "overfill"},
		{"no room for the end of stream", map[uint8]uint8{1: 1, 2: 1}, 1, "overfill"},
		{"end of stream shorter", map[uint8]uint8{1: 1, 2: 3}, 2, "end-of-stream code of 2 bits"},
		{"33 bits", map[uint8]uint8{1: 33}, 0, "33 bits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var lengths [256]uint8
			for s, l := range test.lengths {
				lengths[s] = l
			}
			if _, err := NewCanonical(&lengths, test.eos); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
