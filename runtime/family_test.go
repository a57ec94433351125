package runtime

import (
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// slower decodes as another decoder does, several times.
type slower struct{ chunkDecoder }

func (d slower) decode(s *stream, from, to int, dst []uint16) int {
	for range 20 {
		d.chunkDecoder.decode(s, from, to, dst)
	}
	return d.chunkDecoder.decode(s, from, to, dst)
}

// TestFaster measures decoders of which one is much slower: the other is picked, once and for all.
func TestFaster(t *testing.T) {
	bc := bookCases()[1]
	p := must(newPortable(bc.book))
	long := must(newStream(*must(codebook.Encode(bc.book, bc.weights))))
	short := must(newStream(*must(codebook.Encode(bc.book, bc.weights[:20_000]))))
	damaged := *long
	damaged.Encoded = make([]byte, len(long.Encoded))
	for _, want := range []string{AVX512, AVX2} {
		var c calibration
		fast, slow := chunkDecoder(p), chunkDecoder(slower{p})
		if want == AVX2 {
			fast, slow = slow, fast
		}
		for _, s := range []*stream{short, &damaged} {
			if got := c.family(fast, slow, s); got != "" {
				t.Errorf("picked %s by a stream that tells nothing", got)
			}
		}
		if got := c.family(fast, slow, long); got != want {
			t.Errorf("picked %q, want %s", got, want)
		}
		if got := c.family(slow, fast, long); got != want {
			t.Errorf("then picked %q, want %s again", got, want)
		}
		if family, why := c.known(); family != want || !strings.Contains(why, AVX512) {
			t.Errorf("knows %q, %q", family, why)
		}
	}
}

// TestCalibrate asks twice: the first answer stays.
func TestCalibrate(t *testing.T) {
	first, err := Calibrate()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Calibrate()
	if err != nil || first != second {
		t.Errorf("%v, then %v, error %v", first, second, err)
	}
	if measures := missingForAVX512() == ""; measures != strings.Contains(first.Reason, "measured") {
		t.Errorf("chose %v", first)
	}
}

// TestMeasuredDecoder decodes with the decoder that nobody asked for: Decoder names what was measured.
func TestMeasuredDecoder(t *testing.T) {
	if missing := missingForAVX512(); missing != "" {
		t.Skip(missing)
	}
	withoutGPU(t)
	units := sampleUnits()
	m := open(t, write(t, units...))
	decodeAll(t, m, units)
	want, err := Calibrate()
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Decoder(); got.Name != want.Name || !strings.Contains(got.Reason, "measured") {
		t.Errorf("decoder %v, want %v", got, want)
	}
}
