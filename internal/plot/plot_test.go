package plot

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
)

// trained is a histogram that looks like that of trained weights.
func trained() (h codebook.Histogram) {
	n := 40e6
	for e := 123; e > 84; e-- {
		h[e] = uint64(n) + 1
		switch {
		case e > 120:
			n *= 8
		case e > 119:
			n *= 1.1
		case e > 118:
			n *= 0.9
		default:
			n *= 0.5
		}
	}
	return h
}

func render(t *testing.T, format string, h codebook.Histogram) []byte {
	t.Helper()
	book, err := codebook.Canonical(&h, codebook.MaxLength)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, format, &Exponents{Model: "model", Histogram: h, Lengths: book.Lengths(), BitsPerWeight: 10.87}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWrite(t *testing.T) {
	one, two := codebook.Histogram{120: 5}, codebook.Histogram{0: 1, 239: 7}
	for name, h := range map[string]codebook.Histogram{"trained": trained(), "one symbol": one, "far apart": two} {
		t.Run(name, func(t *testing.T) {
			picture := render(t, "png", h)
			if dir := os.Getenv("BESPOKE_PLOTS"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			img, err := png.Decode(bytes.NewReader(picture))
			if err != nil {
				t.Fatal(err)
			}
			if b := img.Bounds(); b.Dx() != 1440 || b.Dy() != 1008 {
				t.Errorf("picture of %v", b)
			}
			if s := string(render(t, "svg", h)); !strings.HasPrefix(s, "<?xml") || !strings.Contains(s, "share of weights") {
				t.Errorf("not the expected SVG: %.80s", s)
			}
		})
	}
}

func TestWriteErrors(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "png", &Exponents{}); err == nil || !strings.Contains(err.Error(), "nothing to draw") {
		t.Errorf("empty histogram: %v", err)
	}
	if err := Write(&b, "gif", &Exponents{Histogram: trained()}); err == nil || !strings.Contains(err.Error(), `"gif"`) {
		t.Errorf("unknown format: %v", err)
	}
	if b.Len() > 0 {
		t.Errorf("%d bytes written", b.Len())
	}
}
