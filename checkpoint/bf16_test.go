package checkpoint

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// nearest is the oracle: the finite bfloat16 words of one sign are in the order of their magnitudes, so
// search them for the neighbours of x and decide by exact arithmetic.
func nearest(x float64) uint16 {
	sign := uint16(0)
	if math.Signbit(x) {
		sign, x = 0x8000, -x
	}
	value := func(word int) *big.Float {
		if word == 0x7F80 { // where the next finite value would be
			return new(big.Float).SetMantExp(big.NewFloat(1), 128)
		}
		return big.NewFloat(float64(math.Float32frombits(uint32(word) << 16)))
	}
	if math.IsInf(x, 0) {
		return sign | 0x7F80
	}
	target := new(big.Float).SetPrec(400).SetFloat64(x)
	low, high := 0, 0x7F80 // value(low) <= x; x < value(high), or x is beyond all
	for high-low > 1 {
		if mid := (low + high) / 2; value(mid).Cmp(target) <= 0 {
			low = mid
		} else {
			high = mid
		}
	}
	middle := new(big.Float).SetPrec(400).Add(value(low), value(high))
	middle.Quo(middle, big.NewFloat(2))
	switch c := target.Cmp(middle); {
	case c > 0, c == 0 && low&1 == 1:
		return sign | uint16(high)
	}
	return sign | uint16(low)
}

func halfValue(h uint16) float64 {
	e, m := int(h>>10&0x1F), float64(h&0x3FF)
	x := math.Ldexp(1+m/1024, e-15)
	switch {
	case e == 0:
		x = math.Ldexp(m, -24)
	case e == 0x1F && m == 0:
		x = math.Inf(1)
	case e == 0x1F:
		x = math.NaN()
	}
	if h&0x8000 != 0 {
		x = math.Copysign(x, -1)
	}
	return x
}

func TestFromFloat16Exhaustive(t *testing.T) {
	var r Rounding
	for h := range 1 << 16 {
		got, x := fromFloat16(uint16(h), &r), halfValue(uint16(h))
		if math.IsNaN(x) {
			if want := uint16(h)&0x8000 | 0x7F80 | uint16(h)&0x3FF>>3 | quietBit; got != want {
				t.Errorf("NaN %#04x gives %#04x, want %#04x", h, got, want)
			}
			continue
		}
		if want := nearest(x); got != want {
			t.Errorf("half %#04x (%g) gives %#04x, want %#04x", h, x, got, want)
		}
	}
	// A half is exact if the lowest 3 of its 10 mantissa bits are clear, counted from its leading bit.
	want := Rounding{Values: 1 << 16, NaN: 2 * 1023}
	for h := range 1 << 16 {
		if x := halfValue(uint16(h)); !math.IsNaN(x) {
			if float64(math.Float32frombits(uint32(nearest(x))<<16)) == x {
				want.Exact++
			} else {
				want.Rounded++
			}
		}
	}
	if r != want {
		t.Errorf("counted %+v, want %+v", r, want)
	}
}

// Every bfloat16 widened to float32 or float64 comes back as it was, signalling NaNs apart.
func TestCastInvertsWidening(t *testing.T) {
	for w := range 1 << 16 {
		word := uint16(w)
		want := word
		if word&0x7FFF > 0x7F80 {
			want |= quietBit
		}
		var r Rounding
		if got := fromFloat32(uint32(word)<<16, &r); got != want {
			t.Errorf("float32 of %#04x gives %#04x", word, got)
		}
		if word&0x7FFF > 0x7F80 {
			continue // Go may quiet a NaN when it widens it; TestCastSpecial has the payloads
		}
		wide := math.Float64bits(float64(math.Float32frombits(uint32(word) << 16)))
		if got := fromFloat64(wide, &r); got != want {
			t.Errorf("float64 of %#04x gives %#04x", word, got)
		}
		if r.Exact != 2 {
			t.Errorf("%#04x was not counted as exact: %+v", word, r)
		}
	}
}

func TestCastSpecial(t *testing.T) {
	f32 := func(bits uint32) func(*Rounding) uint16 {
		return func(r *Rounding) uint16 { return fromFloat32(bits, r) }
	}
	f64 := func(bits uint64) func(*Rounding) uint16 {
		return func(r *Rounding) uint16 { return fromFloat64(bits, r) }
	}
	cases := []struct {
		name string
		run  func(*Rounding) uint16
		want uint16
		kind Rounding
	}{
		{"f32 zero", f32(0), 0, Rounding{Exact: 1}},
		{"f32 minus zero", f32(0x80000000), 0x8000, Rounding{Exact: 1}},
		{"f32 one", f32(0x3F800000), 0x3F80, Rounding{Exact: 1}},
		{"f32 tie to even, down", f32(0x3F808000), 0x3F80, Rounding{Rounded: 1}},
		{"f32 tie to even, up", f32(0x3F818000), 0x3F82, Rounding{Rounded: 1}},
		{"f32 above the tie", f32(0x3F808001), 0x3F81, Rounding{Rounded: 1}},
		{"f32 below the tie", f32(0x3F817FFF), 0x3F81, Rounding{Rounded: 1}},
		{"f32 carry into the exponent", f32(0x3FFFFFFF), 0x4000, Rounding{Rounded: 1}},
		{"f32 largest", f32(0x7F7FFFFF), 0x7F80, Rounding{Rounded: 1, Overflowed: 1}},
		{"f32 minus largest", f32(0xFF7FFFFF), 0xFF80, Rounding{Rounded: 1, Overflowed: 1}},
		{"f32 just finite", f32(0x7F7F7FFF), 0x7F7F, Rounding{Rounded: 1}},
		{"f32 tie at the top", f32(0x7F7F8000), 0x7F80, Rounding{Rounded: 1, Overflowed: 1}},
		{"f32 infinity", f32(0x7F800000), 0x7F80, Rounding{Exact: 1}},
		{"f32 minus infinity", f32(0xFF800000), 0xFF80, Rounding{Exact: 1}},
		{"f32 NaN with a low payload", f32(0x7F800001), 0x7FC0, Rounding{NaN: 1}},
		{"f32 NaN that would carry", f32(0x7FFFFFFF), 0x7FFF, Rounding{NaN: 1}},
		{"f32 minus NaN that would carry", f32(0xFFFFFFFF), 0xFFFF, Rounding{NaN: 1}},
		{"f32 signalling NaN", f32(0xFFA50000), 0xFFE5, Rounding{NaN: 1}},
		{"f32 smallest subnormal", f32(1), 0, Rounding{Rounded: 1, Underflowed: 1}},
		{"f32 minus smallest", f32(0x80000001), 0x8000, Rounding{Rounded: 1, Underflowed: 1}},
		{"f32 tie to zero", f32(0x8000), 0, Rounding{Rounded: 1, Underflowed: 1}},
		{"f32 above the tie to zero", f32(0x8001), 1, Rounding{Rounded: 1}},
		{"f64 infinity", f64(0xFFF0000000000000), 0xFF80, Rounding{Exact: 1}},
		{"f64 NaN with a low payload", f64(0x7FF0000000000001), 0x7FC0, Rounding{NaN: 1}},
		{"f64 NaN payload", f64(0xFFF4A00000000000), 0xFFE5, Rounding{NaN: 1}},
		{"f64 largest", f64(0x7FEFFFFFFFFFFFFF), 0x7F80, Rounding{Rounded: 1, Overflowed: 1}},
		{"f64 smallest", f64(1), 0, Rounding{Rounded: 1, Underflowed: 1}},
		{"f64 minus smallest", f64(1<<63 | 1), 0x8000, Rounding{Rounded: 1, Underflowed: 1}},
		{"f64 zero", f64(1 << 63), 0x8000, Rounding{Exact: 1}},
		{"f64 past a tie by its last bit", f64(math.Float64bits(1+0x1p-8) + 1), 0x3F81, Rounding{Rounded: 1}},
		{"f64 at the tie", f64(math.Float64bits(1 + 0x1p-8)), 0x3F80, Rounding{Rounded: 1}},
		{"f64 smallest bfloat16", f64(math.Float64bits(0x1p-133)), 1, Rounding{Exact: 1}},
		{"f64 half of it", f64(math.Float64bits(0x1p-134)), 0, Rounding{Rounded: 1, Underflowed: 1}},
		{"f64 half of it and a bit", f64(math.Float64bits(0x1p-134) + 1), 1, Rounding{Rounded: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r Rounding
			c.kind.Values = 1
			if got := c.run(&r); got != c.want || r != c.kind {
				t.Errorf("gives %#04x counted as %+v, want %#04x, %+v", got, r, c.want, c.kind)
			}
		})
	}
}

// Random values and, beside every bfloat16, the middle to its neighbour and one step off it.
func TestCastAgainstOracle(t *testing.T) {
	var r Rounding
	check := func(x float64) {
		if got, want := fromFloat64(math.Float64bits(x), &r), nearest(x); got != want {
			t.Errorf("float64 %g gives %#04x, want %#04x", x, got, want)
		}
		narrow := float32(x)
		if got, want := fromFloat32(math.Float32bits(narrow), &r), nearest(float64(narrow)); got != want {
			t.Errorf("float32 %g gives %#04x, want %#04x", narrow, got, want)
		}
	}
	for word := 0; word < 0x7F80; word += 13 {
		a := float64(math.Float32frombits(uint32(word) << 16))
		step := math.Ldexp(1, max(word>>7, 1)-127-7)
		middle := a + step/2
		for _, x := range []float64{middle, math.Nextafter(middle, 0), math.Nextafter(middle, math.Inf(1)), -middle} {
			check(x)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		check(math.Ldexp(random.NormFloat64(), random.IntN(320)-160))
		if x := math.Float64frombits(random.Uint64()); !math.IsNaN(x) {
			check(x)
		}
	}
}

func TestCasts(t *testing.T) {
	for dtype, c := range casts {
		t.Run(string(dtype), func(t *testing.T) {
			for n := range 5 {
				src, dst := make([]byte, n*c.width), make([]byte, 2*n)
				for i := range n {
					switch c.width {
					case 2:
						binary.LittleEndian.PutUint16(src[i*2:], 0x3C00)
					case 4:
						binary.LittleEndian.PutUint32(src[i*4:], math.Float32bits(1))
					case 8:
						binary.LittleEndian.PutUint64(src[i*8:], math.Float64bits(1))
					}
				}
				if r := c.convert(dst, src); r.Exact != uint64(n) || r.Values != uint64(n) {
					t.Errorf("%d ones: %+v", n, r)
				}
				if got, want := dst, bytes.Repeat([]byte{0x80, 0x3F}, n); !bytes.Equal(got, want) {
					t.Errorf("%d ones give %x, want %x", n, got, want)
				}
			}
		})
	}
}

// TestFloat64Ties rounds what lies above the middle between two words by one bit, of any place: up.
func TestFloat64Ties(t *testing.T) {
	for bit := range 44 {
		mantissa := uint64(1)<<44 | uint64(1)<<bit // half of the last bit kept, which is the 45th
		for _, sign := range []uint64{0, 1} {
			value := sign<<63 | 1023<<52 | mantissa
			if got, want := fromFloat64(value, new(Rounding)), uint16(sign)<<15|0x3f81; got != want {
				t.Errorf("%#x: %#04x, want %#04x", value, got, want)
			}
		}
	}
}
