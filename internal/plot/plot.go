package plot

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/seed54244801/bespoke/codebook"
)

// Formats are the file formats that [Write] knows, as file name extensions without the dot.
var Formats = []string{"png", "svg"}

// Is reports whether a file that begins with start is a picture in the given format.
func Is(format string, start []byte) bool {
	if format == "svg" {
		return bytes.Contains(start, []byte("<svg"))
	}
	return bytes.HasPrefix(start, []byte("\x89PNG\r\n\x1a\n"))
}

// Exponents is the content of a picture of exponents.
type Exponents struct {
	// Model names the model in the title.
	Model string
	// Histogram counts the exponents. It must not be empty.
	Histogram codebook.Histogram
	// Lengths are the code lengths in bits by exponent, 0 for an exponent without a code.
	Lengths [256]uint8
	// BitsPerWeight is the expected size of a coded weight with everything that the format adds. It is 0 if DF11
	// cannot code the model.
	BitsPerWeight float64
}

const (
	width, height = 10 * vg.Inch, 7 * vg.Inch
	dotsPerInch   = 144
)

// Write draws e in the given format.
func Write(w io.Writer, format string, e *Exponents) error {
	if e.Histogram.Total() == 0 {
		return fmt.Errorf("plot: nothing to draw: no weight was counted")
	}
	low, high := span(&e.Histogram)
	shares := sharePanel(e, low, high)
	lengths, err := lengthPanel(e, low, high)
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return writePage(w, format, []*plot.Plot{shares, lengths}, 74, func(page draw.Canvas) { drawTitle(page, e.Model, e.line()) })
}

// writePage draws panels below each other. Above them is the head of the page, with the given height.
func writePage(w io.Writer, format string, panels []*plot.Plot, headHeight vg.Length, head func(page draw.Canvas)) error {
	canvas, err := newCanvas(format)
	if err != nil {
		return err
	}
	page := draw.New(canvas)
	page.FillPolygon(paper, []vg.Point{{X: 0, Y: 0}, {X: width, Y: 0}, {X: width, Y: height}, {X: 0, Y: height}})
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadY: 14, PadTop: headHeight, PadBottom: 12, PadLeft: 12, PadRight: 22}
	var rows [][]*plot.Plot
	for _, p := range panels {
		rows = append(rows, []*plot.Plot{p})
	}
	for i, row := range plot.Align(rows, tiles, page) {
		panels[i].Draw(row[0])
	}
	head(page)
	if _, err := canvas.WriteTo(w); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

func newCanvas(format string) (vg.CanvasWriterTo, error) {
	switch format {
	case "png":
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))}, nil
	case "svg":
		return vgsvg.New(width, height), nil
	}
	return nil, fmt.Errorf("plot: unknown format %q, want one of %v", format, Formats)
}

// span returns the range of exponents to draw: all that occur, and at least 16, so that the bars of a degenerate
// histogram do not fill the page.
func span(h *codebook.Histogram) (low, high int) {
	low, high = 255, 0
	for i, n := range h {
		if n > 0 {
			low, high = min(low, i), max(high, i)
		}
	}
	if short := 16 - (high - low); short > 0 {
		low, high = low-short/2, high+(short+1)/2
	}
	return low - 1, high + 1
}

// textStyle returns the style of text of the given size. The text begins at a point: it lies to the right of it
// and below.
func textStyle(size font.Length) draw.TextStyle {
	p := plot.New() // for its fonts
	s := p.Title.TextStyle
	s.Font.Size, s.Font.Variant = size, "Sans"
	s.XAlign, s.YAlign, s.Color = draw.XLeft, draw.YTop, ink
	return s
}

// drawTitle writes the title of a page and a line below it.
func drawTitle(page draw.Canvas, title, line string) {
	bold := textStyle(19)
	bold.Font.Weight = 3
	page.FillText(bold, vg.Point{X: 22, Y: height - 16}, title)
	sub := textStyle(11.5)
	sub.Color = faint
	page.FillText(sub, vg.Point{X: 22, Y: height - 44}, line)
}

// line says how much information the exponents carry and how many bits are stored.
func (e *Exponents) line() string {
	line := fmt.Sprintf("The exponents carry %.2f bits of information in a field of 8", e.Histogram.Entropy())
	if e.BitsPerWeight > 0 {
		line += fmt.Sprintf("; stored in %.2f bits a weight, this model takes %.1f %% of bfloat16", e.BitsPerWeight, 100*e.BitsPerWeight/16)
	}
	return line + "."
}

// newPanel returns a plot in the style of all panels.
func newPanel(yLabel string, low, high int) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = paper
	p.Y.Label.Text = yLabel
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Tick.Color, a.Label.TextStyle.Color, a.Tick.Label.Color = faint, faint, ink, ink
		a.Label.TextStyle.Font.Size, a.Label.TextStyle.Font.Variant = 11, "Sans"
		a.Tick.Label.Font.Size, a.Tick.Label.Font.Variant = 10, "Sans"
		a.Width, a.Tick.Width, a.Tick.Length = 0.6, 0.6, 4
		a.Padding = 3
	}
	p.Y.Label.Padding = 6
	p.X.Min, p.X.Max = float64(low)-0.5, float64(high)+0.5
	p.X.Tick.Marker = plot.TickerFunc(exponentTicks)
	p.Legend.TextStyle.Font.Size, p.Legend.TextStyle.Font.Variant = 10, "Sans"
	p.Legend.TextStyle.Color = ink
	p.Legend.Padding, p.Legend.ThumbnailWidth = 3, 22
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color, grid.Horizontal.Width = rule, 0.6
	p.Add(grid)
	return p
}

// exponentTicks labels exponents, with the magnitude that they stand for, at steps that leave enough room.
func exponentTicks(low, high float64) (ticks []plot.Tick) {
	step := 1
	for _, s := range []int{1, 2, 5, 10, 20, 50} {
		if step = s; (high-low)/float64(s) <= 22 {
			break
		}
	}
	for e := int(math.Ceil(low)); float64(e) <= high; e++ {
		if e < 0 || e > 255 {
			continue
		}
		t := plot.Tick{Value: float64(e)}
		if e%step == 0 {
			t.Label = fmt.Sprint(e)
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// topShare returns the share of the n most frequent exponents together.
func topShare(h *codebook.Histogram, n int) float64 {
	counts := slices.Sorted(slices.Values(h[:]))
	var sum uint64
	for _, c := range counts[len(counts)-n:] {
		sum += c
	}
	return float64(sum) / float64(h.Total())
}
