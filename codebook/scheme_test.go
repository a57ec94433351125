package codebook

import (
	"slices"
	"strings"
	"testing"
)

func containsAll(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// shifted returns h with every exponent moved by delta.
func shifted(h *Histogram, delta int) Histogram {
	var moved Histogram
	for s, n := range h {
		if n > 0 {
			moved[s+delta] = n
		}
	}
	return moved
}

func assign(t *testing.T, scheme string, units []Histogram) *Assignment {
	t.Helper()
	s, err := SchemeByName(scheme)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name() != scheme {
		t.Errorf("scheme %q is named %q", scheme, s.Name())
	}
	a, err := s.Assign(units)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// bitsOf returns the size of all units in bits.
func bitsOf(t *testing.T, units []Histogram, a *Assignment) float64 {
	t.Helper()
	total := 0.0
	for i := range units {
		size, err := ExpectedSize(&units[i], a.Books[a.Unit[i]])
		if err != nil {
			t.Fatal(err)
		}
		total += 8 * float64(size.Total()-size.Luts)
	}
	return total
}

func TestModelScheme(t *testing.T) {
	base := trainedHistogram()
	alike := []Histogram{*base, *base, *base}
	apart := []Histogram{*base, shifted(base, 40), *base, shifted(base, -60), shifted(base, 40)}
	var many []Histogram
	for i := range 20 {
		many = append(many, shifted(base, 3*i-40))
	}
	tests := []struct {
		name  string
		units []Histogram
		books int
		slack float64 // over a book for each unit
	}{
		{"one unit", []Histogram{*base}, 1, 0.0011},
		{"alike", alike, 1, 0.0011},
		{"three kinds", apart, 3, 0.0011},
		{"more kinds than books", many, MaxBooks, 1},
		{"no units", nil, 1, 0},
		{"empty unit", []Histogram{{}}, 1, 0},
		{"one symbol each", []Histogram{{3: 10}, {5: 10}}, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := assign(t, "model", test.units)
			if len(a.Books) != test.books {
				t.Errorf("%d books, want %d", len(a.Books), test.books)
			}
			for i := range test.units {
				if _, err := a.Books[a.Unit[i]].StreamBits(&test.units[i]); err != nil {
					t.Errorf("unit %d: %v", i, err)
				}
			}
			own := bitsOf(t, test.units, assign(t, "unit", test.units))
			if got := bitsOf(t, test.units, a); got > own*(1+test.slack) {
				t.Errorf("%.0f bits, %.4f %% over a book a unit", got, 100*(got/own-1))
			}
		})
	}
}

func TestModelSchemeLimitsTheLength(t *testing.T) {
	units := []Histogram{*trainedHistogram()}
	if got := assign(t, "model", units).Books[0].MaxLength(); got < TableBits || got > TableBits+1 {
		t.Errorf("longest code has %d bits", got)
	}
	if got := assign(t, "unit", units).Books[0].MaxLength(); got < 20 {
		t.Errorf("longest code of a book of its own has %d bits", got)
	}
}

// TestShortestFitsTheTables codes a histogram whose best code needs more tables than DF11 has.
func TestShortestFitsTheTables(t *testing.T) {
	h := Histogram{0: 1 << 20}
	for s := 1; s < 240; s++ {
		h[s] = uint64(1000 + s)
	}
	if _, err := Canonical(&h, MaxLength); err == nil {
		t.Fatal("the unlimited code fits")
	}
	for _, scheme := range []string{"unit", "model"} {
		a := assign(t, scheme, []Histogram{h})
		if _, err := a.Books[0].StreamBits(&h); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestSchemesRefuseWhatDF11CannotExpress(t *testing.T) {
	for _, scheme := range []string{"model", "unit", "published"} {
		t.Run(scheme, func(t *testing.T) {
			s, err := SchemeByName(scheme)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Assign([]Histogram{*trainedHistogram(), {120: 4, 247: 2}})
			if err == nil || !containsAll(err.Error(), "unit 1", "247 (2 times)") {
				t.Errorf("error %v, want one that names unit 1 and exponent 247", err)
			}
		})
	}
	if _, err := SchemeByName("best"); err == nil {
		t.Error("no error for an unknown scheme")
	}
}

// TestRebuildRenumbers makes the books of clusters, some of which have lost all units.
func TestRebuildRenumbers(t *testing.T) {
	units := []Histogram{*trainedHistogram(), shifted(trainedHistogram(), 40), shifted(trainedHistogram(), -60)}
	a := &Assignment{Unit: []int{3, 1, 3}}
	if err := a.rebuild(units, 5); err != nil {
		t.Fatal(err)
	}
	if len(a.Books) != 2 || !slices.Equal(a.Unit, []int{1, 0, 1}) {
		t.Errorf("%d books, units %v", len(a.Books), a.Unit)
	}
	for i := range units {
		if _, err := a.Books[a.Unit[i]].StreamBits(&units[i]); err != nil {
			t.Errorf("unit %d: %v", i, err)
		}
	}
}

// TestModelSchemeRefusesOverflow joins units whose weights can be counted alone but not together.
func TestModelSchemeRefusesOverflow(t *testing.T) {
	s, err := SchemeByName("model")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Assign([]Histogram{{100: MaxTotal}}); err != nil {
		t.Error(err)
	}
	if _, err := s.Assign([]Histogram{{100: MaxTotal}, {100: 1}}); err == nil || !containsAll(err.Error(), "more than 2^56 weights") {
		t.Errorf("error %v", err)
	}
}

func TestHistogram(t *testing.T) {
	weights := []uint16{0x3f80, 0xbf80, 0x0000, 0x8001, 0x7fc0}
	var h, fromBytes Histogram
	h.Count(weights)
	fromBytes.CountBytes([]byte{0x80, 0x3f, 0x80, 0xbf, 0x00, 0x00, 0x01, 0x80, 0xc0, 0x7f, 0x80})
	if h != fromBytes {
		t.Errorf("words and bytes count differently")
	}
	if want := (Histogram{0: 2, 127: 2, 255: 1}); h != want {
		t.Errorf("counts %v, want %v", h, want)
	}
	sum := h
	sum.Add(&fromBytes)
	if sum.Total() != 10 || sum.Distinct() != 3 {
		t.Errorf("total %d distinct %d, want 10 and 3", sum.Total(), sum.Distinct())
	}
	for _, test := range []struct {
		h    Histogram
		want float64
	}{{Histogram{}, 0}, {Histogram{7: 9}, 0}, {Histogram{7: 9, 8: 9}, 1}, {Histogram{1: 1, 2: 1, 3: 2}, 1.5}} {
		if got := test.h.Entropy(); got != test.want {
			t.Errorf("entropy %v, want %v", got, test.want)
		}
	}
}
