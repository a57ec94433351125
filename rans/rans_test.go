package rans

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/testenv"
)

var bothForms = []Form{Exponent, Joint}

// count returns how often each symbol occurs.
func count(f Form, weights []uint16) []uint64 {
	counts := make([]uint64, f.Symbols())
	for _, w := range weights {
		counts[f.Symbol(w)]++
	}
	return counts
}

func encode(t testing.TB, f Form, weights []uint16, blockWeights int) *Stream {
	t.Helper()
	table, err := NewTable(f, count(f, weights))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Encode(f, table, weights, blockWeights)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// normal returns n weights of a normal distribution.
func normal(n int) []uint16 {
	r := rand.New(rand.NewPCG(1, 2))
	weights := make([]uint16, n)
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*0.02)) >> 16)
	}
	return weights
}

// patterns returns all bfloat16 words, in no order.
func patterns() []uint16 {
	weights := make([]uint16, 1<<16)
	for i := range weights {
		weights[i] = uint16(i)
	}
	r := rand.New(rand.NewPCG(3, 4))
	r.Shuffle(len(weights), func(i, j int) { weights[i], weights[j] = weights[j], weights[i] })
	return weights
}

func TestRoundTrip(t *testing.T) {
	for name, weights := range map[string][]uint16{
		"nothing":     nil,
		"one weight":  {0x3f80},
		"one symbol":  slices.Repeat([]uint16{0xbf81}, 1000),
		"two symbols": slices.Repeat([]uint16{0x3f80, 0x4000, 0x3f9f}, 100),
		"patterns":    patterns(),
		"normal":      normal(20_000),
		"63":          normal(63),
		"64":          normal(64),
		"65":          normal(65),
	} {
		for _, f := range bothForms {
			for _, blockWeights := range []int{1, 63, 64, 1000, 4096, MaxBlock} {
				if blockWeights == 1 && len(weights) > 1000 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%v/%d", name, f, blockWeights), func(t *testing.T) {
					got, err := Decode(encode(t, f, weights, blockWeights))
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(got, weights) {
						t.Error("other weights")
					}
				})
			}
		}
	}
}

// TestOtherTable codes weights with a table that was made for others.
func TestOtherTable(t *testing.T) {
	for _, f := range bothForms {
		table, err := NewTable(f, count(f, normal(1000)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Encode(f, table, patterns(), 1<<14)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(s); err != nil || !slices.Equal(got, patterns()) {
			t.Errorf("%v: other weights, %v", f, err)
		}
	}
}

// TestFormat holds streams to what they were: the format does not change.
func TestFormat(t *testing.T) {
	weights := append(patterns()[:3000], normal(5000)...)
	for f, want := range map[Form]string{
		Exponent: "eb30f04798b873b037ca85aff7c48a11a578f8324bc03e29f37653559ba56eaa",
		Joint:    "2c7f77ad02cfab21132aef028f0b24f9e45e88446885ea4bbd6c3b91f0d18b12",
	} {
		s := encode(t, f, weights, 4096)
		h := sha256.New()
		for _, part := range [][]byte{s.Table, s.Index, s.Blocks, s.Plane} {
			h.Write(part)
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
			t.Errorf("%v: SHA-256 %s, want %s", f, got, want)
		}
	}
}

// TestSize compares a stream with the information in its symbols.
func TestSize(t *testing.T) {
	weights := normal(1 << 18)
	for _, f := range bothForms {
		entropy := 0.0
		for _, n := range count(f, weights) {
			if n > 0 {
				p := float64(n) / float64(len(weights))
				entropy -= p * math.Log2(p)
			}
		}
		s := encode(t, f, weights, 1<<18)
		bits := 8 * float64(len(s.Blocks)+len(s.Index)+len(s.Table)) / float64(len(weights))
		if bits < entropy || bits > entropy+0.02 {
			t.Errorf("%v: %.4f bits a symbol, of which %.4f are information", f, bits, entropy)
		}
	}
}

// TestTableIsBest compares tables of three symbols with all others.
func TestTableIsBest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 4 {
		counts := make([]uint64, 256)
		for s := range 3 {
			counts[100+s] = 1 + r.Uint64N(1<<(4+r.Uint64N(20)))
		}
		table, err := NewTable(Exponent, counts)
		if err != nil {
			t.Fatal(err)
		}
		if len(table.Symbols) < 3 {
			continue
		}
		cost := func(a, b, c uint16) (bits float64) {
			for i, f := range []uint16{a, b, c} {
				bits += float64(counts[table.Symbols[i]]) * (12 - math.Log2(float64(f)))
			}
			return bits
		}
		got := cost(table.Frequencies[0], table.Frequencies[1], table.Frequencies[2])
		for a := uint16(1); a < Scale; a++ {
			for b := uint16(1); a+b < Scale; b += 1 + b/64 {
				if other := cost(a, b, Scale-a-b); other < got*(1-1e-12) {
					t.Fatalf("%v: %v takes %f bits, %d and %d take %f", counts[100:103], table.Frequencies, got, a, b, other)
				}
			}
		}
	}
}

func TestTablePatches(t *testing.T) {
	counts := make([]uint64, 256)
	counts[100], counts[101], counts[102] = 1<<30, 1<<30, 1
	table, err := NewTable(Exponent, counts)
	if err != nil {
		t.Fatal(err)
	}
	// All symbols have a frequency, as long as there is room for them.
	if !slices.Equal(table.Symbols, []uint16{100, 101, 102}) || table.Frequencies[2] != 1 {
		t.Errorf("table is %v", table)
	}
	// A frequency for the rare ones would cost the others more than patches.
	for s := range 40 {
		counts[110+s] = 1
	}
	if table, err = NewTable(Exponent, counts); err != nil || !slices.Equal(table.Symbols, []uint16{100, 101}) {
		t.Errorf("table is %v, %v", table, err)
	}
	counts[149] = 1 << 20
	if table, err = NewTable(Exponent, counts); err != nil || !slices.Equal(table.Symbols, []uint16{100, 101, 149}) {
		t.Errorf("table is %v, %v", table, err)
	}
}

func TestTableErrors(t *testing.T) {
	sound := func() *Table { return &Table{[]uint16{5, 6, 7}, []uint16{4000, 95, 1}} }
	if err := sound().Validate(Exponent); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Table){
		"table of 1 symbols":      func(x *Table) { x.Symbols, x.Frequencies = x.Symbols[:1], x.Frequencies[:1] },
		"3 symbols and 2":         func(x *Table) { x.Frequencies = x.Frequencies[:2] },
		"symbol 256, the largest": func(x *Table) { x.Symbols[1] = 256 },
		"symbol 5 occurs twice":   func(x *Table) { x.Symbols[2] = 5 },
		"frequency 0":             func(x *Table) { x.Frequencies[2] = 0; x.Frequencies[0]++ },
		"sum to 4097, want 4096":  func(x *Table) { x.Frequencies[0]++ },
		"table of 33 symbols":     func(x *Table) { x.Symbols, x.Frequencies = make([]uint16, 33), make([]uint16, 33) },
	} {
		x := sound()
		change(x)
		if err := x.Validate(Exponent); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if _, err := ParseTable(Exponent, make([]byte, TableBytes+1)); err == nil {
		t.Error("a table that is too long is no error")
	}
	b := sound().Bytes()
	b[4*20] = 1
	if _, err := ParseTable(Exponent, b); err == nil || !strings.Contains(err.Error(), "behind 3 symbols") {
		t.Errorf("error is %v", err)
	}
	if _, err := NewTable(Joint, make([]uint64, 256)); err == nil {
		t.Error("counts of another form are no error")
	}
}

// TestAlias gives each symbol as many cells as its frequency says, with all ranks.
func TestAlias(t *testing.T) {
	tables := []*Table{{[]uint16{9, 8}, []uint16{4095, 1}}, {[]uint16{9, 8}, []uint16{1, 4095}}}
	even := &Table{}
	for i := range uint16(Buckets) {
		even.Symbols, even.Frequencies = append(even.Symbols, i), append(even.Frequencies, Scale/Buckets)
	}
	tables = append(tables, even)
	r := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		counts := make([]uint64, 512)
		for range 2 + r.IntN(60) {
			counts[r.IntN(512)] = 1 + r.Uint64N(1<<r.IntN(30))
		}
		table, err := NewTable(Joint, counts)
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	for _, table := range tables {
		a := table.Alias()
		ranks := make([]map[uint16]bool, Buckets)
		for low := range 1 << 16 {
			place, rank := a.Look(uint16(low))
			if ranks[place] == nil {
				ranks[place] = map[uint16]bool{}
			}
			if rank >= a.Frequency[place] || ranks[place][rank] {
				t.Fatalf("%v: %d is rank %d of symbol %d, which has %d", table, low, rank, place, a.Frequency[place])
			}
			ranks[place][rank] = true
		}
		for i, f := range table.Frequencies {
			if len(ranks[i]) != 16*int(f) {
				t.Errorf("%v: symbol %d has %d cells", table, i, len(ranks[i]))
			}
		}
	}
}

func TestPlane(t *testing.T) {
	for _, f := range bothForms {
		for _, n := range []int{1, 31, 32, 33, 64, 100, 128} {
			plane := make([]byte, f.PlaneBytes(n))
			for i := range n {
				f.put(plane, i, byte(i*37)&byte(1<<(8-f)-1))
			}
			for i := range n {
				if got, want := f.Rest(plane, i), byte(i*37)&byte(1<<(8-f)-1); got != want {
					t.Errorf("%v: weight %d of %d is %#x, want %#x", f, i, n, got, want)
				}
			}
		}
	}
	// As the comments of the bothForms say.
	plane := make([]byte, 128)
	Exponent.put(plane, 64+5, 0x81)
	Exponent.put(plane, 64+32+5, 0x7e)
	if plane[64+2*5] != 0x01 || plane[64+2*5+1] != 0xfe {
		t.Errorf("weights 5 and 37 are %#x", plane[64+2*5:64+2*5+2])
	}
	plane = make([]byte, 112)
	Joint.put(plane, 64+32+4*3+2, 0x55)
	group := append(plane[56+3*7:56+4*7:56+4*7], 0)
	if got := binary.LittleEndian.Uint64(group); got != 0x55<<(7*6) {
		t.Errorf("group 3 is %#x", got)
	}
}

// TestZeros changes each bit of a stream with sums of its own, which no decoder looks at: none is left unnoticed.
func TestZeros(t *testing.T) {
	for _, f := range bothForms {
		var odd [2]bool // both numbers of words were there
		for n := 100; !odd[0] || !odd[1]; n++ {
			s := encode(t, f, normal(n), 400)
			words, _ := s.counts(0)
			odd[words%2] = true
			for _, part := range [][]byte{s.Blocks, s.Plane} {
				for i := range part {
					for bit := range 8 {
						part[i] ^= 1 << bit
						if _, err := Decode(s); err == nil {
							t.Fatalf("%v: bit %d of byte %d of %d is changed, no error", f, bit, i, len(part))
						}
						part[i] ^= 1 << bit
					}
				}
			}
		}
	}
}

// TestCauses damages a stream of two blocks in ways of which each has one cause.
func TestCauses(t *testing.T) {
	weights := append(normal(1000), patterns()[:300]...)
	table, err := NewTable(Exponent, count(Exponent, weights[:1000]))
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[Cause]func(s *Stream, layout Layout){
		BadState: func(s *Stream, l Layout) { s.Blocks[l[1]+128+2*63], s.Blocks[l[1]+128+2*63+1] = 0, 0 },
		WordsEnd: func(s *Stream, l Layout) {
			words, _ := s.counts(1)
			binary.LittleEndian.PutUint32(s.Index[16:], uint32(words-2))
			s.Blocks = s.Blocks[:len(s.Blocks)-4]
		},
		WordsLeft: func(s *Stream, l Layout) {
			words, _ := s.counts(1)
			binary.LittleEndian.PutUint32(s.Index[16:], uint32(words+2))
			s.Blocks = append(s.Blocks, 0, 0, 0, 0)
		},
		BadEnd: func(s *Stream, l Layout) {
			b := s.Block(l, 1)
			b.Words[len(b.Words)-2] ^= 1
		},
		BadPatch: func(s *Stream, l Layout) {
			p := s.Block(l, 1).Patches
			copy(p[4:], p[:4])
		},
		BadZeros: func(s *Stream, l Layout) { s.Plane[len(s.Plane)-1] |= 1 },
		BadSum:   func(s *Stream, l Layout) { s.Plane[900] ^= 1 },
	} {
		s, err := Encode(Exponent, table, weights, 800)
		if err != nil {
			t.Fatal(err)
		}
		_, layout, err := s.Validate()
		if err != nil {
			t.Fatal(err)
		}
		change(s, layout)
		_, err = Decode(s)
		var e *BlockError
		if !errors.As(err, &e) || *e != (BlockError{1, want}) {
			t.Errorf("%v: error is %v", want, err)
		}
	}
}

func TestPatchErrors(t *testing.T) {
	s := encode(t, Exponent, normal(100), 100)
	_, layout, err := s.Validate()
	if err != nil {
		t.Fatal(err)
	}
	b := s.Block(layout, 0)
	a := must(ParseTable(Exponent, s.Table)).Alias()
	for _, tt := range []struct {
		patches []uint32
		want    Cause
	}{
		{[]uint32{99}, 0},
		{[]uint32{3, 4}, 0},
		{[]uint32{3 | 255<<23}, 0},
		{[]uint32{100}, BadPatch},
		{[]uint32{3, 3}, BadPatch},
		{[]uint32{4, 3}, BadPatch},
		{[]uint32{3 | 256<<23}, BadPatch},
	} {
		b.Patches = nil
		for _, p := range tt.patches {
			b.Patches = binary.LittleEndian.AppendUint32(b.Patches, p)
		}
		if got := b.Decode(Exponent, a, make([]uint16, 100)); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.patches, got, tt.want)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Stream){
		"Form(2)":                        func(s *Stream) { s.Form = 2 },
		"-1 weights":                     func(s *Stream) { s.Weights = -1 },
		"in blocks of 0":                 func(s *Stream) { s.BlockWeights = 0 },
		"in blocks of 8388609":           func(s *Stream) { s.BlockWeights = MaxBlock + 1 },
		"table of 124 bytes":             func(s *Stream) { s.Table = s.Table[4:] },
		"index of 47 bytes":              func(s *Stream) { s.Index = s.Index[1:] },
		"index of 64 bytes":              func(s *Stream) { s.Index = append(s.Index, make([]byte, 16)...) },
		"index of 48 bytes, want 16":     func(s *Stream) { s.Weights = math.MaxInt },
		"plane of 1151 bytes, want 1152": func(s *Stream) { s.Plane = s.Plane[1:] },
		"block 1: 449 words":             func(s *Stream) { binary.LittleEndian.PutUint32(s.Index[16:], 449) },
		"block 1: 4294967295 words":      func(s *Stream) { binary.LittleEndian.PutUint32(s.Index[16:], math.MaxUint32) },
		"patches for 200 weights":        func(s *Stream) { binary.LittleEndian.PutUint32(s.Index[36:], 201) },
		"the index says":                 func(s *Stream) { s.Blocks = s.Blocks[4:] },
	} {
		s := encode(t, Exponent, normal(1000), 400)
		change(s)
		if _, err := Decode(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	table := &Table{[]uint16{5, 6}, []uint16{4000, 96}}
	for _, n := range []int{0, -1, MaxBlock + 1} {
		if _, err := Encode(Exponent, table, nil, n); err == nil {
			t.Errorf("blocks of %d weights are no error", n)
		}
	}
	table.Frequencies[0]++
	if _, err := Encode(Exponent, table, nil, 64); err == nil {
		t.Error("a table that is not valid is no error")
	}
}

// TestMutations damages streams: what is decoded is the weights, or there is an error.
func TestMutations(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	weights := append(normal(700), patterns()[:100]...)
	for _, f := range bothForms {
		found := 0
		sound := encode(t, f, weights, 300)
		rounds := testenv.Pick(1000, 3000)
		for range rounds {
			s := &Stream{f, sound.Weights, sound.BlockWeights, slices.Clone(sound.Table), slices.Clone(sound.Index), slices.Clone(sound.Blocks), slices.Clone(sound.Plane)}
			part := [][]byte{s.Table, s.Index, s.Blocks, s.Plane}[r.IntN(4)]
			for range 1 + r.IntN(3) {
				part[r.IntN(len(part))] ^= 1 << r.IntN(8)
			}
			got, err := Decode(s)
			if err == nil && !slices.Equal(got, weights) {
				t.Fatal("other weights and no error")
			}
			if err != nil {
				found++
			}
		}
		if found < rounds*4/5 {
			t.Errorf("%v: %d of %d found", f, found, rounds)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, form := range bothForms {
		s := encode(f, form, append(normal(200), patterns()[:40]...), 100)
		f.Add(uint8(form), s.Weights, s.BlockWeights, s.Table, s.Index, s.Blocks, s.Plane)
	}
	f.Fuzz(func(t *testing.T, form uint8, weights, blockWeights int, table, index, blocks, plane []byte) {
		s := &Stream{Form(form), weights, blockWeights, table, index, blocks, plane}
		got, err := Decode(s)
		if err != nil {
			return
		}
		// What can be decoded can be coded again, with the same table.
		again, err := Encode(s.Form, must(ParseTable(s.Form, table)), got, blockWeights)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(again); err != nil || !slices.Equal(back, got) {
			t.Fatalf("other weights, %v", err)
		}
		if !bytes.Equal(again.Table, table) {
			t.Error("another table")
		}
	})
}
