package plot

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twoSeries has figures of all kinds: both, only the solid one, and none.
func twoSeries() *Bars {
	groups := []BarGroup{
		{"first", []Bar{{Solid: 0.75, Pale: 1.25}, {Solid: 0.5}}},
		{"second", []Bar{{Solid: 1.5, Pale: 1.25}, {}}},
	}
	return &Bars{
		Title: "title", Line: "line", Series: []string{"fast", "slow"}, Rule: 1,
		Panels: []BarPanel{{"one", groups}, {"two", groups[:1]}},
	}
}

func TestWriteBars(t *testing.T) {
	var picture, text bytes.Buffer
	if err := WriteBars(&picture, "png", twoSeries()); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("BESPOKE_PLOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "bars.png"), picture.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	img, err := png.Decode(&picture)
	if err != nil {
		t.Fatal(err)
	}
	painted := make(map[color.RGBA]int)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			painted[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	// The second series has no pale bar anywhere. Its square in the legend is smaller than any bar.
	for c, want := range map[color.RGBA]bool{
		seriesColors[0]: true, seriesColors[1]: true, seriesColors[2]: false, paled(seriesColors[0]): true, paled(seriesColors[1]): false,
	} {
		if got := painted[c] > 5000; got != want {
			t.Errorf("%d pixels of %v, want many: %t", painted[c], c, want)
		}
	}
	if err := WriteBars(&text, "svg", twoSeries()); err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]int{"title": 1, "line": 1, "fast": 1, "slow": 1, "first": 2, "second": 1, "one": 1, "two": 1, "1.25": 3, "0.50": 2, "0.75": 0, "1.50": 0, "0.00": 0} {
		if got := strings.Count(text.String(), ">"+said+"<"); got != want {
			t.Errorf("%q is said %d times, want %d", said, got, want)
		}
	}
}

func TestWriteBarsErrors(t *testing.T) {
	none, uneven, many := twoSeries(), twoSeries(), twoSeries()
	none.Panels = []BarPanel{{Label: "empty"}}
	uneven.Series = uneven.Series[:1]
	many.Series = make([]string, len(seriesColors)+1)
	for want, b := range map[string]*Bars{"nothing to draw": none, "first has 2 bars for 1 series": uneven, "6 series": many} {
		var out bytes.Buffer
		if err := WriteBars(&out, "png", b); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("error %v with %d bytes written, want %q", err, out.Len(), want)
		}
	}
}
