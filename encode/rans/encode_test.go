package rans

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/seed54244801/bespoke/rans"
)

var forms = []rans.Form{rans.Exponent, rans.Joint}

// trained returns n words that look like trained weights: normally distributed, of small deviation.
func trained(n int, seed uint64) []uint16 {
	r := rand.New(rand.NewPCG(seed, 1))
	weights := make([]uint16, n)
	for i := range weights {
		weights[i] = uint16(math.Float32bits(float32(r.NormFloat64()*0.02)) >> 16)
	}
	return weights
}

// patterns returns every word once, in some order.
func patterns() []uint16 {
	weights := make([]uint16, 1<<16)
	for i := range weights {
		weights[i] = uint16(i * 40503)
	}
	return weights
}

// littleEndian returns weights as bytes, at an odd address when asked for.
func littleEndian(weights []uint16, odd bool) []byte {
	b := make([]byte, 0, 2*len(weights)+1)
	if odd {
		b = append(b, 0)
	}
	for _, w := range weights {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	if odd {
		b = b[1:]
	}
	return b
}

// tableFor returns the best table for weights.
func tableFor(t testing.TB, f rans.Form, weights []uint16) *rans.Table {
	t.Helper()
	counts := make([]uint64, f.Symbols())
	for _, w := range weights {
		counts[f.Symbol(w)]++
	}
	table, err := rans.NewTable(f, counts)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// randomTable returns a table of n random symbols. The frequencies are about equal, or as steep as they can be.
func randomTable(r *rand.Rand, f rans.Form, n int, steep bool) *rans.Table {
	table := new(rans.Table)
	left := rans.Scale - n
	for i, s := range r.Perm(f.Symbols())[:n] {
		more := left / (n - i)
		if steep {
			more = r.IntN(left + 1)
		}
		if i == n-1 {
			more = left
		}
		left -= more
		table.Symbols = append(table.Symbols, uint16(s))
		table.Frequencies = append(table.Frequencies, uint16(1+more))
	}
	return table
}

// drawn returns weights whose symbols are those of a table, as often as it says, and few others.
func drawn(r *rand.Rand, f rans.Form, table *rans.Table, n int) []uint16 {
	var symbols []uint16
	for i, s := range table.Symbols {
		symbols = append(symbols, slices.Repeat([]uint16{s}, int(table.Frequencies[i]))...)
	}
	weights := make([]uint16, n)
	for i := range weights {
		symbol := symbols[r.IntN(len(symbols))]
		if r.IntN(500) == 0 {
			symbol = uint16(r.IntN(f.Symbols()))
		}
		weights[i] = f.Join(symbol, byte(r.Uint32())>>f)
	}
	return weights
}

// each runs something with each family of assembly that the CPU can run, and with portable Go.
func each(run func(name string)) {
	for i, name := range append(families(), "portable") {
		without(i, func() { run(name) })
	}
}

// implementations runs a test with each family of assembly that the CPU can run, and with portable Go.
func implementations(t *testing.T, test func(t *testing.T)) {
	each(func(name string) { t.Run("impl="+name, test) })
}

// check holds the encoder to the specification.
func check(t *testing.T, f rans.Form, table *rans.Table, weights []uint16, blockWeights int, workers ...int) {
	t.Helper()
	want, err := rans.Encode(f, table, weights, blockWeights)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(f, table)
	if err != nil {
		t.Fatal(err)
	}
	into := new(rans.Stream) // used again: what it held must not show
	for i, n := range workers {
		if into, err = e.Encode(into, littleEndian(weights, i%2 == 0), blockWeights, n); err != nil {
			t.Fatal(err)
		}
		if part := difference(into, want); part != "" {
			t.Fatalf("%v: %d weights in blocks of %d, %d workers: other %s", f, len(weights), blockWeights, n, part)
		}
	}
}

// difference names a part in which two streams differ.
func difference(a, b *rans.Stream) string {
	for name, parts := range map[string][2][]byte{"table": {a.Table, b.Table}, "index": {a.Index, b.Index}, "blocks": {a.Blocks, b.Blocks}, "plane": {a.Plane, b.Plane}} {
		if !slices.Equal(parts[0], parts[1]) {
			return name
		}
	}
	if a.Form != b.Form || a.Weights != b.Weights || a.BlockWeights != b.BlockWeights {
		return "sizes"
	}
	return ""
}

func TestEncodeIsTheSpecification(t *testing.T) {
	implementations(t, func(t *testing.T) {
		for _, f := range forms {
			for name, weights := range map[string][]uint16{
				"trained":  trained(70_000, 1),
				"patterns": patterns(),
				"same":     slices.Repeat([]uint16{0x1234}, 5000),
				"largest":  slices.Repeat([]uint16{0xffff, 0x7f80, 0}, 1500),
			} {
				table := tableFor(t, f, weights)
				t.Run(fmt.Sprint(f, "/", name), func(t *testing.T) {
					for _, n := range []int{0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 3000, 4096, len(weights)} {
						for _, blockWeights := range []int{64, 100, 1000, 4096, 1 << 18} {
							check(t, f, table, weights[:n], blockWeights, 1, 2, 3)
						}
					}
				})
			}
		}
	})
}

// TestEncodeTables codes with random tables: weights that they suit, and weights that they do not.
func TestEncodeTables(t *testing.T) {
	implementations(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 3))
		all := patterns()
		for _, f := range forms {
			for round := range 150 {
				table := randomTable(r, f, 2+r.IntN(rans.Buckets-1), round%2 == 0)
				check(t, f, table, drawn(r, f, table, 3000+r.IntN(200)), 2000, 1)
				check(t, f, table, all[:2000], 1<<18, 2)
			}
			check(t, f, randomTable(r, f, rans.Buckets, false), all, 1<<16, 2)
			check(t, f, randomTable(r, f, 2, false), all, 30_000, 2)
		}
	})
}

// TestBlock codes blocks one at a time, behind bytes that must stay.
func TestBlock(t *testing.T) {
	weights := trained(10_000, 4)
	for _, f := range forms {
		table := tableFor(t, f, weights)
		want, err := rans.Encode(f, table, weights, 3000)
		if err != nil {
			t.Fatal(err)
		}
		e, err := New(f, table)
		if err != nil {
			t.Fatal(err)
		}
		blocks, plane := []byte("before"), make([]byte, len(want.Plane))
		at := plane
		var index []byte
		for part := range slices.Chunk(weights, 3000) {
			var c Coded
			n := f.PlaneBytes(len(part))
			if blocks, c, err = e.Block(blocks, at[:n], littleEndian(part, true)); err != nil {
				t.Fatal(err)
			}
			index, at = append(index, make([]byte, indexBytes)...), at[n:]
			c.put(index[len(index)-indexBytes:])
		}
		got := *want
		got.Index, got.Blocks, got.Plane = index, blocks[len("before"):], plane
		if !reflect.DeepEqual(&got, want) || string(blocks[:6]) != "before" {
			t.Errorf("%v: other blocks", f)
		}
	}
}

func TestErrors(t *testing.T) {
	table := tableFor(t, rans.Exponent, trained(1000, 5))
	e, err := New(rans.Exponent, table)
	if err != nil {
		t.Fatal(err)
	}
	second := func(_ any, err error) error { return err }
	third := func(_ []byte, _ Coded, err error) error { return err }
	for want, err := range map[string]error{
		"encode: rans: Form(2)": second(New(2, table)),
		"rans: table of 0 symbols and 0 frequencies, want 2 to 32":                second(New(rans.Joint, new(rans.Table))),
		"encode: rans: 3 bytes, want whole bfloat16 words":                        second(e.Encode(nil, make([]byte, 3), 64, 1)),
		"encode: rans: blocks of 0 weights, want 1 to 8388608":                    second(e.Encode(nil, nil, 0, 1)),
		"encode: rans: blocks of 8388609 weights, want 1 to 8388608":              second(e.Encode(nil, nil, rans.MaxBlock+1, 1)),
		"encode: rans: block of 0 bytes, want 1 to 8388608 bfloat16 words":        third(e.Block(nil, nil, nil)),
		"encode: rans: block of 5 bytes, want 1 to 8388608 bfloat16 words":        third(e.Block(nil, make([]byte, 64), make([]byte, 5))),
		"encode: rans: block of 16777218 bytes, want 1 to 8388608 bfloat16 words": third(e.Block(nil, nil, make([]byte, 2*rans.MaxBlock+2))),
		"encode: rans: plane of 63 bytes for 2 weights, want 64":                  third(e.Block(nil, make([]byte, 63), make([]byte, 4))),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	large := trained(2*histogramBytes, 3) // four pieces
	all := slices.Concat(patterns(), patterns())
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	implementations(t, func(t *testing.T) {
		for name, weights := range map[string][]uint16{
			"trained": large, "all": all, "none": nil, "few": large[:77], "zeros": make([]uint16, 100_001),
			"changing": slices.Concat(all[:50_000], large[:50_000], make([]uint16, 50_000)),
			"largest":  slices.Repeat([]uint16{0xffff, 0x7f80}, 20_000),
		} {
			for _, f := range forms {
				want := make([]uint64, f.Symbols())
				for _, w := range weights {
					want[f.Symbol(w)]++
				}
				cut := r.IntN(len(weights) + 1)
				parts := [][]byte{littleEndian(weights[:cut], true), append(littleEndian(weights[cut:], false), 7)}
				for _, workers := range []int{0, 1, 3} {
					if got := Histogram(f, parts, workers); !slices.Equal(got, want) {
						t.Errorf("%s, %v, %d workers: other counts", name, f, workers)
					}
				}
			}
		}
	})
}
