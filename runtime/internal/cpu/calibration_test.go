package cpu

import (
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/runtime/internal/samples"
)

// slower is a decoder that decodes with another one, several times.
type slower struct{ Decoder }

func (d slower) decode(s *stream, from, to int, dst []uint16) int {
	for range 20 {
		d.Decoder.decode(s, from, to, dst)
	}
	return d.Decoder.decode(s, from, to, dst)
}

// TestFaster measures two decoders, one of which is much slower. The other one must be picked, and must stay picked.
func TestFaster(t *testing.T) {
	bc := samples.Books()[1]
	p := newPortable(bc.Book)
	long := samples.Must(newStream(*samples.Must(codebook.Encode(bc.Book, bc.Weights))))
	short := samples.Must(newStream(*samples.Must(codebook.Encode(bc.Book, bc.Weights[:20_000]))))
	damaged := *long
	damaged.Encoded = make([]byte, len(long.Encoded))
	for _, want := range []string{AVX512, AVX2} {
		var c calibration
		fast, slow := Decoder(p), Decoder(slower{p})
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
